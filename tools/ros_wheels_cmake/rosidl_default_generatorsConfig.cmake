# Stands in for rosidl_default_generators when luna_interfaces is built against the ROS wheels in a virtual
# environment (chosen by -Drosidl_default_generators_DIR; a ROS installation never sees this file). It mends two things
# from outside, so that neither the package nor the wheels are touched:
#   1. The wheels carry include directories of the machine that built them; CMake refuses a directory that is missing.
#   2. The generators are looked up by AMENT_PREFIX_PATH; the environment is one merged ROS prefix.
# It also leaves out the C++ generators: rclpy needs C and Python only, and C++ would double the build time.

find_package(rosidl_cmake REQUIRED)
if(NOT DEFINED ENV{AMENT_PREFIX_PATH})
  get_filename_component(luna_prefix "${rosidl_cmake_DIR}/../../.." ABSOLUTE)
  set(ENV{AMENT_PREFIX_PATH} "${luna_prefix}")
endif()
find_package(rosidl_typesupport_fastrtps_c REQUIRED)
find_package(rosidl_typesupport_introspection_c REQUIRED)
find_package(rosidl_generator_py REQUIRED)

# The generated targets find Python and NumPy themselves, so what is missing may simply go.
function(luna_drop_missing_include_directories)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories "${target}" INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT directories)
      continue()
    endif()
    set(present "")
    foreach(directory IN LISTS directories)
      if(NOT IS_ABSOLUTE "${directory}" OR EXISTS "${directory}")
        list(APPEND present "${directory}")
      endif()
    endforeach()
    set_target_properties("${target}" PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${present}")
  endforeach()
endfunction()

# At the end of the package's CMakeLists.txt: all targets are known then, and nothing is generated yet.
cmake_language(DEFER CALL luna_drop_missing_include_directories)

# Overriding a macro keeps the original under the same name with an underscore before it.
macro(rosidl_generate_interfaces)
  list(FILTER AMENT_EXTENSIONS_rosidl_generate_idl_interfaces EXCLUDE REGEX "_cpp:")
  _rosidl_generate_interfaces(${ARGN})
endmacro()
