# Cross-build for 32-bit ARM (ARMv7 with VFPv3-D16): cmake --toolchain toolchains/armhf.cmake …
set(cross_arch armhf)
set(cross_triplet arm-linux-gnueabihf)
set(cross_processor armv7l)
set(cross_qemu qemu-arm)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)

# Debian 12 has a 32-bit time_t and off_t here. Our own code gets 64-bit ones; the distribution's libraries keep the
# old ABI, so none of time_t, off_t, timespec, timeval and stat may cross their interfaces. Not in CMAKE_CXX_FLAGS_INIT:
# a -DCMAKE_CXX_FLAGS=… would silently undo it.
add_compile_definitions(_TIME_BITS=64 _FILE_OFFSET_BITS=64)

# Silences notes that GCC 7 and 10 changed how some values are passed; everything here is built with one compiler.
add_compile_options(-Wno-psabi)
