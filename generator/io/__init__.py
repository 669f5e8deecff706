"""Files: read safely whoever made them, and written whole or not at all, on a disk or behind a URL.

limits.py       how much a file may ask of us: the one place of such numbers
reading.py      bytes and JSON of a file, within limits; paths that stay within their folder
image_size.py   the size that an image states, before it is decoded
npz.py          arrays of .npz files
unpickle.py     pickles of arrays, without running what they name
array_files.py  arrays of a body model's file, .npz or .pkl
hdf5.py         HDF5 files, checked and with little overhead
matfile.py      variables of MATLAB 5 files
films.py        films, written and read
atomic.py       writing: a file appears whole or not at all
cache.py        results kept between runs
remote.py       paths that may be URLs
downloads.py    assets behind URLs, copied once
"""
