"""Is a token budget that the engine chooses for each step better than the best fixed one?"""
