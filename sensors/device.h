// Descriptors of what is no socket: serial ports, files, FIFOs and standard input.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace wayside {

// Whether a serial port can be set to so many bits a second.
bool is_serial_speed(uint32_t baud);
// Opens it raw, with eight bits and no parity, as receivers send. -1: errno says why.
int open_serial(const std::string& device, uint32_t baud);

// A FIFO has no end: writers come and go. "-" is standard input. -1: errno says why.
int open_input_file(const std::string& path);

// Or it is a file, which always seems to be ready, and is no matter for an event loop.
bool is_stream(int fd);

// From where the last read ended. Without `may_wait` EAGAIN if that had to wait for the medium,
// which then fetches it. -1: errno says why.
ssize_t read_file(int fd, char* to, size_t bytes, bool may_wait);

}  // namespace wayside
