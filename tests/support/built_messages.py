"""Message packages that the wheels of ROS lack, built for tests from tests/interfaces, once for each change of them."""

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests" / "interfaces"
PLACE = ROOT / "build" / "test_interfaces"
STAND_IN = ROOT / "tools" / "ros_wheels_cmake"


def provide(package: str) -> None:
    """Make `package` importable in this process and its children. Skips the test where that cannot be."""
    if importlib.util.find_spec(package) is not None:
        return  # ROS is installed and has it, or it was provided before
    if not (Path(sys.prefix) / "share" / "rosidl_cmake").is_dir():
        pytest.skip(f"{package} is not installed: sudo apt install ros-jazzy-{package}")
    prefix = _built(package)
    site = prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    sys.path.insert(0, str(site))
    _load_all(sorted((prefix / "lib").glob("*.so")))
    for name, path in (("PYTHONPATH", site), ("LD_LIBRARY_PATH", prefix / "lib")):
        os.environ[name] = os.pathsep.join(filter(None, (str(path), os.environ.get(name, ""))))


def _built(package: str) -> Path:
    """The prefix that it is installed in."""
    source = SOURCES / package
    content = hashlib.sha256(f"{sys.version} {sys.prefix}".encode())
    for file in sorted((*source.rglob("*.*"), *STAND_IN.iterdir())):
        content.update(file.read_bytes() if file.is_file() else b"")
    prefix = PLACE / f"{package}-{content.hexdigest()[:12]}"
    with _only_one(package):
        if not prefix.exists():
            _build(source, PLACE / "making" / package, prefix)
    return prefix


@contextlib.contextmanager
def _only_one(package: str) -> Iterator[None]:
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(source: Path, work: Path, prefix: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    making = work / "prefix"
    generator = ("-G", "Ninja") if shutil.which("ninja") else ()
    for command in (
        (
            *("cmake", "-S", source, "-B", work, *generator, "-DBUILD_TESTING=OFF"),
            *(f"-DCMAKE_PREFIX_PATH={sys.prefix}", f"-DPython3_EXECUTABLE={sys.executable}"),
            f"-Drosidl_default_generators_DIR={STAND_IN}",
        ),
        ("cmake", "--build", work, "--parallel", "2"),
        ("cmake", "--install", work, "--prefix", making),
    ):
        words = [str(word) for word in command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    making.rename(prefix)
    shutil.rmtree(work)


def _load_all(libraries: list[Path]) -> None:
    """Loaded libraries are found by their bare name, as ROS asks for them. Any order that works."""
    left = libraries
    while left:
        missing = [library for library in left if not _loads(library)]
        assert len(missing) < len(left), missing
        left = missing


def _loads(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True
