from ._sealed import (
    load_arrays as load_arrays,
    read_parquet as read_parquet,
    read_sealed as read_sealed,
    reading as reading,
    save_arrays as save_arrays,
    sealed as sealed,
    unsigned as unsigned,
    write_parquet as write_parquet,
)
from ._sums import (
    SUMS as SUMS,
    read_checked as read_checked,
    read_json as read_json,
    sha256 as sha256,
    write_sums as write_sums,
)
from ._whole import (
    cut_half_line as cut_half_line,
    remove_cut_bytecode as remove_cut_bytecode,
    unquoted as unquoted,
    whole_file as whole_file,
    write_csv as write_csv,
    write_json as write_json,
    write_text as write_text,
)
