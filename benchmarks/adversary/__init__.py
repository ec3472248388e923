"""Service-hours with faults, each with the tuner and without: in which ten minutes is it worse?"""
