# The part that arm64.cmake and armhf.cmake share: a cross-build with Debian's cross compiler against a sysroot made by
# make-sysroot. The including file sets cross_arch (Debian's name), cross_triplet, cross_processor and cross_qemu.
#
# WAYSIDE_SYSROOT is the sysroot: build/sysroot-<arch> in the repository, unless -DWAYSIDE_SYSROOT=<dir> says otherwise.
#
# CMake reads a toolchain file more than once, and again in each try_compile project, which sees no cache variable but
# those named in CMAKE_TRY_COMPILE_PLATFORM_VARIABLES.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${cross_processor})
set(CMAKE_LIBRARY_ARCHITECTURE ${cross_triplet})
set(CMAKE_C_COMPILER ${cross_triplet}-gcc)
set(CMAKE_CXX_COMPILER ${cross_triplet}-g++)

get_filename_component(cross_default "${CMAKE_CURRENT_LIST_DIR}/../build/sysroot-${cross_arch}" ABSOLUTE)
set(WAYSIDE_SYSROOT "${cross_default}" CACHE PATH "Sysroot of the cross-build")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES WAYSIDE_SYSROOT)
if(NOT EXISTS "${WAYSIDE_SYSROOT}/usr/lib/${cross_triplet}/libc.so.6")
  message(FATAL_ERROR "No ${cross_arch} sysroot in ${WAYSIDE_SYSROOT}: "
    "run toolchains/make-sysroot ${cross_arch} ${WAYSIDE_SYSROOT}")
endif()
set(CMAKE_SYSROOT "${WAYSIDE_SYSROOT}")

# Programs (the nanopb generator, Python) come from the host, all else from the sysroot only.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# These last while CMake configures, which is when pkg_check_modules asks; a pkg-config run by the build sees the host.
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_PATH} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${WAYSIDE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
  "${WAYSIDE_SYSROOT}/usr/lib/${cross_triplet}/pkgconfig:${WAYSIDE_SYSROOT}/usr/share/pkgconfig")

# Debian's cross compiler comes with a C library of its own and looks there before it looks into the sysroot. Linking
# must not: a symbol that the sysroot's C library lacks has to fail here, not on the board.
add_link_options("-L=/usr/lib/${cross_triplet}")

# ctest and gtest_discover_tests run what we built under qemu, without binfmt. Without qemu they cannot run at all.
find_program(WAYSIDE_QEMU NAMES ${cross_qemu}-static ${cross_qemu} DOC "Runs the tests of the cross-build")
if(WAYSIDE_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${WAYSIDE_QEMU};-L;${WAYSIDE_SYSROOT}")
endif()

# Else CPack asks the host's dpkg.
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${cross_arch} CACHE STRING "Architecture of the Debian package")
