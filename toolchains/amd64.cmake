# For x86-64 against a sysroot, on any machine: cmake --toolchain toolchains/amd64.cmake …
set(cross_arch amd64)
set(cross_triplet x86_64-linux-gnu)
set(cross_processor x86_64)
set(cross_qemu qemu-x86_64)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
