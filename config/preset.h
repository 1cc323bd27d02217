// Presets: mappings of JSON payloads that are known. A source names one in place of its format.
#pragma once

#include <span>
#include <string>

#include <toml++/toml.h>

namespace wayside {

struct Preset {
  const char* name;
  const char* toml;  // the keys of a [[source]], with its fields
};

std::span<const Preset> presets();  // in presets.cc

constexpr const char* kPresetPrefix = "preset:";

// Writes out a source of `format = "preset:NAME"`: what it does not say itself is as the preset has
// it, and so is each field whose name it does not give and whose path it does not read. Another
// format stays as it is. The error is a preset that is not there.
std::string write_out_preset(toml::table& source);

}  // namespace wayside
