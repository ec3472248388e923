"""The controllers: each folder is one, named for its single duty, and reads as its own table of contents.

`controller.py` sequences the steps, `observe.py` gathers a frozen snapshot from the caches, `decide.py` is
pure, `status.py` turns facts into conditions. Controllers know of each other only through conditions.
"""
