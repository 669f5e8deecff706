"""Chains of trainings whose later networks build on the earlier ones', one recipe a file.

recipe.py    what a recipe is, and running one
"""
