"""Making the clips of a dataset: one job, many worker processes, on one machine or many.

job.py          which clips are missing, and what became of them
worker.py       what a worker does for one clip
pool.py         worker processes that may die
dask_pool.py    the same on a Dask cluster
shards.py       parts of a job that need not know of each other
"""
