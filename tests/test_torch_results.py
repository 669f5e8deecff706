"""Files of PyTorch itself, as GVHMR saves them."""

import numpy as np
import pytest
import torch

from mannequin.generator.errors import AssetError
from mannequin.generator.io.results import read_results


def test_tensors_of_every_kind(tmp_path):
    kinds = (torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool)
    base = torch.arange(60).reshape(10, 6)
    held = {str(kind): base.to(kind) for kind in kinds}
    held |= {"columns": base.T, "part": base[2:5, 1:3], "spread": base[:1].expand(10, 6), "empty": base[:0]}
    held |= {"parameter": torch.nn.Parameter(base.float()), "number": 30, "none": None, "one": torch.tensor(3.0)}
    torch.save({"group": held, "list": [base, base]}, tmp_path / "a.pt")
    found = read_results(tmp_path / "a.pt", lambda key: True)
    for name, value in held.items():
        expected = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        np.testing.assert_array_equal(found["group"][name], expected)
    np.testing.assert_array_equal(found["list"][1], base.numpy())


def test_tensors_that_are_not_read(tmp_path):
    torch.save({"pose": torch.zeros(3, dtype=torch.bfloat16)}, tmp_path / "a.pt")
    with pytest.raises(AssetError, match="float32"):
        read_results(tmp_path / "a.pt", lambda key: True)
    torch.save({"pose": torch.zeros(3)}, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(AssetError, match="before 1.6"):
        read_results(tmp_path / "b.pt", lambda key: True)
