"""Chains of trainings whose later networks build on the earlier ones', one recipe a file.

recipe.py        what a recipe is, and running one
parts_pose.py    parts of the body, then 2D joints from them
"""
