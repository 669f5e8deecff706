"""Trained networks on images and films of the user's own.

network.py    from images to classes at every pixel of them
outputs.py    what classes become in files, and as pictures
job.py        an image, a folder of them or a film, file by file
"""
