#!/usr/bin/env bash
# Set up everything that `make run` and `make test` need, in .venv and build/ and nowhere else. Run again at will: each
# step is skipped while what it depends on is unchanged. PYTHON=/path/to/python3.12 chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly venv=$PWD/.venv
readonly ros=${LUNA_ROS:-/opt/ros/jazzy}  # where a ROS installation would be

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; }

# The real interpreter behind shims and environments, because .venv itself may be made anew.
choose_python() {
  local candidate candidates=("$venv/bin/python" python3 python3.12 python3.11)
  [[ -d $ros ]] && candidates=(/usr/bin/python3)  # ROS is built for the system's
  [[ -n ${PYTHON:-} ]] && candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    if fits "$candidate"; then
      "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
      return
    fi
  done
  die "needs Python 3.11 or 3.12 (looked at ${candidates[*]}): sudo apt install python3 python3-venv python3-dev"
}

# Which system packages are missing for this interpreter, as apt calls them.
missing_packages() {
  local python=$1 name
  name=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$name-venv"
  "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null || echo "$name-dev"
  command -v g++ >/dev/null || echo g++
  command -v make >/dev/null || echo make
  command -v cmake >/dev/null || echo cmake
  if [[ -d $ros ]]; then command -v colcon >/dev/null || echo python3-colcon-common-extensions; fi
}

require_machine() {
  local python=$1 missing have
  [[ -d $ros || $(uname -m) == x86_64 ]] \
    || die "on $(uname -m) this needs ROS 2 Jazzy in $ros: https://docs.ros.org/en/jazzy/Installation.html"
  missing=$(missing_packages "$python" | paste -sd ' ')
  [[ -z $missing ]] || die "something is missing, get it with: sudo apt install $missing"
  have=$(cmake --version | awk 'NR == 1 { print $3 }')
  [[ $(printf '%s\n' 3.21 "$have" | sort -V | head -1) == 3.21 ]] \
    || die "needs CMake 3.21 or newer, here is $have: sudo apt install cmake"
}

# step NAME FILES... -- COMMAND: run it unless it ran before with the same files and interpreter, in the same place.
step() {
  local name=$1 files=() stamp="$venv $python"
  shift
  while [[ $1 != -- ]]; do files+=("$1"); shift; done
  shift
  if ((${#files[@]})); then
    stamp+=" $(find "${files[@]}" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)"
  fi
  [[ -f $venv/.setup/$name && $(< "$venv/.setup/$name") == "$stamp" ]] && return
  "$@"
  mkdir -p "$venv/.setup"
  echo "$stamp" > "$venv/.setup/$name"
}

pip() { "$venv/bin/python" -m pip --disable-pip-version-check -qq "$@"; }

make_venv() {
  local options=()
  [[ -d $ros ]] && options=(--system-site-packages)
  say "making .venv with $("$1" --version)"
  rm -rf "$venv" build
  "$1" -m venv "${options[@]}" "$venv"
}

# LUNA_BUILD_SQLITE=1 does the same where there is a wheel.
build_sqlite() {
  local made=build/sqlite source
  say "compiling SQLite for $(uname -m) (minutes, once)"
  rm -rf "$made" && mkdir -p "$made"
  grep '^pysqlite3==' requirements/base.txt > "$made/wanted.txt"
  pip download --no-deps --no-build-isolation --no-binary :all: --dest "$made" -r "$made/wanted.txt" -r requirements/sqlite.txt
  for source in "$made"/*.tar.gz; do tar xzf "$source" -C "$made"; done
  cp "$made"/sqlcipher3-*/vendor/sqlite3.[ch] "$made"/pysqlite3-*/
  pip install --no-deps --no-build-isolation --force-reinstall "$made"/pysqlite3-*/
}

install_packages() {
  local lists=(-r requirements/build.txt -r requirements/base.txt -r requirements/dev.txt) tools
  if [[ -d $ros ]]; then
    lists=(-r requirements/base.txt -r requirements/dev.txt)
  else
    lists+=(-r requirements/ros.txt)
  fi
  say "installing the pinned packages (the first time some 170 MB are fetched)"
  mapfile -t tools < <(grep -E '^(setuptools|wheel)==' requirements/build.txt)
  pip install --no-deps "${tools[@]}"
  [[ $(uname -m) == x86_64 && -z ${LUNA_BUILD_SQLITE:-} ]] || build_sqlite
  # The lists are complete, so nothing is left to resolve; --use-pep517 is for the one package without a wheel.
  pip install --no-deps --no-build-isolation --use-pep517 "${lists[@]}"
}

install_project() {
  say "installing the project itself (editable)"
  pip install --no-deps --no-build-isolation --editable .
}

build_interfaces_on_wheels() {
  local generator='Unix Makefiles'
  command -v ninja >/dev/null && generator=Ninja
  say "building luna_interfaces against the ROS wheels"
  rm -rf build/luna_interfaces
  mkdir -p build
  {
    cmake -S interfaces -B build/luna_interfaces -G "$generator" -DBUILD_TESTING=OFF \
      -DCMAKE_PREFIX_PATH="$venv" -DPython3_EXECUTABLE="$venv/bin/python" \
      -Drosidl_default_generators_DIR="$PWD/tools/ros_wheels_cmake" &&
    cmake --build build/luna_interfaces --parallel "$(nproc)" &&
    cmake --install build/luna_interfaces --prefix "$venv"
  } > build/luna_interfaces.log 2>&1 \
    || { tail -20 build/luna_interfaces.log >&2; die "luna_interfaces does not build: see build/luna_interfaces.log"; }
}

# On a ROS installation: plain colcon, and the overlay's environment written down for our own interpreter.
build_interfaces_on_ros() {
  local site
  say "building luna_interfaces and luna_bringup with colcon on $ros"
  (
    set +u
    # shellcheck disable=SC1091
    . "$ros/setup.sh"
    colcon --log-base build/ros/log build --merge-install --base-paths interfaces launch \
      --build-base build/ros/build --install-base build/ros/install \
      --cmake-args -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$python"
  )
  env -i HOME="$HOME" PATH=/usr/bin:/bin bash -c '. "$0/setup.bash"; . build/ros/install/local_setup.bash; env' "$ros" \
    | grep -E '^(AMENT_PREFIX_PATH|LD_LIBRARY_PATH|PYTHONPATH|ROS_[A-Z_]+)=' > "$venv/ros.env"
  echo "LUNA_ROS_ENV=$venv" >> "$venv/ros.env"
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  cp tools/ros_env.py "$site/luna_ros_env.py"
  echo 'import luna_ros_env; luna_ros_env.enter()' > "$site/luna_ros_env.pth"
}

main() {
  local python kind=wheels messages=(interfaces tools/ros_wheels_cmake requirements)
  [[ -d $ros ]] && kind=ros messages=(interfaces launch tools/ros_env.py)
  exec 9< requirements && flock 9                                  # one setup at a time
  unset PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH  # a sourced ROS stays out of this
  python=$(choose_python)
  require_machine "$python"
  fits "$venv/bin/python" || rm -rf "$venv"
  step "venv-$kind" -- make_venv "$python"
  step packages requirements -- install_packages
  step "interfaces-$kind" "${messages[@]}" -- "build_interfaces_on_$kind"
  step project pyproject.toml requirements/base.txt -- install_project
}

main
