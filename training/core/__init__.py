"""One plain loop that trains every task.

loop.py         the loop itself: begin reading there
config.py       its options
schedule.py     how many steps, when what is due, the learning rate
sampler.py      which samples a step sees
learner.py      the network, its optimiser and their device
init.py         weights that a network begins with
evaluation.py   a task's metrics over a data set
checkpoint.py   the folders that a run is continued from
resume.py       whether this run may continue that one
logs.py         tables, TensorBoard and pictures
interrupts.py   interrupts, and errors in words of the options
"""
