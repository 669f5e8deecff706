"""YAML that strangers made, as plain values: no tags are obeyed, no aliases followed."""

from pathlib import Path

from mannequin.generator.errors import AssetError
from mannequin.generator.io.reading import parse_json, read_bytes

YAML = (".yaml", ".yml")
YAML_BYTES = 1 << 20
"""Of a calibration; parsing takes some hundred times as much memory."""
DEEPEST = 16
"""Lists and mappings in one another; parsing takes time that grows with their square."""


def read_yaml(path: Path, expected: str):
    """The plain values of a YAML file; ``!!opencv-matrix`` and other tags are what they stand before. Raises AssetError
    for any other file, and for anchors and aliases, by which a few bytes stand for gigabytes."""
    import yaml

    data = read_bytes(path, YAML_BYTES, expected)
    try:
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("{"):
            return parse_json(text, str(path), expected)
        lines = text.split("\n")
        if lines[0].startswith("%YAML:"):  # as OpenCV writes, against the standard
            lines[0] = ""
        loader = type("_Plain", (yaml.SafeLoader,), {"yaml_constructors": dict(yaml.SafeLoader.yaml_constructors)})
        loader.add_multi_constructor("", _untagged)
        depth = 0
        for event in yaml.parse("\n".join(lines), Loader=yaml.SafeLoader):
            if getattr(event, "anchor", None):
                raise ValueError("it uses anchors")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ValueError(f"its lists are nested more than {DEEPEST} deep")
        return yaml.load("\n".join(lines), Loader=loader)  # a SafeLoader
    except (ValueError, RecursionError, yaml.YAMLError, AttributeError, TypeError) as e:
        raise AssetError(f"{path} is not YAML that can be read ({str(e)[:200]}). Expected {expected}.") from e


def _untagged(loader, tag: str, node):
    """What a node holds, whatever its tag."""
    if node.id == "mapping":
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if node.id == "sequence" else loader.construct_scalar(node)
