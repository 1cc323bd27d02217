# Cross-build for 64-bit ARM: cmake --toolchain toolchains/arm64.cmake …
set(cross_arch arm64)
set(cross_triplet aarch64-linux-gnu)
set(cross_processor aarch64)
set(cross_qemu qemu-aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
