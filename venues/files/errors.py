"""What can be wrong with a bulk file."""

from __future__ import annotations

from infra.errors import ErrorCode


class FileCode(ErrorCode):
    """Each names the file, and the line where there is one."""

    FILE_MISSING = "there is no such file", "correct the path in config/sources.toml, or wait until it is published"
    FILE_UNREACHABLE = "the place of the file does not answer, also after retries", "look at the network, or try again"
    FILE_REFUSED = (
        "the place of the file refuses us",
        "look at its answer here, and at the credentials in the environment (docs/files.md)",
    )
    FILE_STORAGE_UNKNOWN = (
        "no installed library speaks to this kind of address",
        "install the fsspec package that is named here (s3fs, gcsfs, adlfs, ...), or correct the address",
    )
    FILE_DISK_FULL = (
        "there is no room to download the file",
        "free space in the home folder; nothing half-written was left, and the same run again goes on from here",
    )
    FILE_CHECKSUM_WRONG = "the file is not what its publisher's checksum says", "fetch it again; nothing of it was used"
    FILE_TRUNCATED = "the file ends too early or its archive is broken", "fetch it again; nothing of it was used"
    FILE_NOT_DATA = (
        "the content is not of this format: a web page, an error message or another dialect",
        "open the file, and correct the path or the format in config/sources.toml",
    )
    FILE_HEADER_CHANGED = (
        "the columns are not the ones that the format knows",
        "the publisher changed the format: compare the two lists, then correct the format's file in venues/files",
    )
    FILE_ROW_BAD = "a row cannot be read exactly", "look at this line of the file; nothing of the file was used"
    FILE_STAMPS_MIXED = (
        "stamps of two units stand in one file",
        "nothing is guessed: split the file, or name the unit of each part in config/sources.toml",
    )
    FORMAT_UNKNOWN = "no file format has this name", "use one of the names given here"
