// CSV: each line is a reading, its columns named by the configuration or by the payload's first
// line.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

constexpr size_t kCsvColumnsMax = 1'000;

std::unique_ptr<Decoder> make_csv_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
