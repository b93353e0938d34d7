"""Files written whole or not at all, and read back only as they were written."""

from cotrain.files._bytecode import remove_cut_bytecode
from cotrain.files._sealed import (
    load_arrays,
    read_parquet,
    read_sealed,
    reading,
    save_arrays,
    sealed,
    unsigned,
    write_parquet,
)
from cotrain.files._sums import SUMS, read_checked, read_json, sha256, write_sums
from cotrain.files._whole import (
    cut_half_line,
    unquoted,
    whole_file,
    write_csv,
    write_json,
    write_text,
)

__all__ = [
    "SUMS",
    "cut_half_line",
    "load_arrays",
    "read_checked",
    "read_json",
    "read_parquet",
    "read_sealed",
    "reading",
    "remove_cut_bytecode",
    "save_arrays",
    "sealed",
    "sha256",
    "unquoted",
    "unsigned",
    "whole_file",
    "write_csv",
    "write_json",
    "write_parquet",
    "write_sums",
    "write_text",
]
