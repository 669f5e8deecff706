"""Trained networks on images and films of the user's own.

crops.py         crops of images, and what a network makes of each
class_maps.py    classes at every pixel, brought back to the image
action.py        what people in a film do
boxes.py         boxes of people
joints.py        joints of people
ahead.py         images read and pictures made by threads, in order
job.py           an image, a folder of them or a film, file by file
"""
