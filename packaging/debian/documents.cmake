# Run by CPack before it packs: the changelog and the copyright file that Debian wants in each package.
find_program(GZIP gzip REQUIRED)
set(folder ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/wayside)
# CMake's TIMESTAMP is that of SOURCE_DATE_EPOCH where it is set.
string(TIMESTAMP release_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in ${folder}/changelog @ONLY)
execute_process(COMMAND ${GZIP} -9nf changelog WORKING_DIRECTORY ${folder} COMMAND_ERROR_IS_FATAL ANY)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${folder})
