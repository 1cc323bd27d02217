// Inputs that are nearly right: a fuzzer's bytes as changes to a sample, so that it need not guess
// a whole format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wayside {

// An odd first byte: `sample` with a change for each four bytes (what, with what, where). Else the
// bytes as they are.
inline std::string fuzz_input(std::string_view sample, const uint8_t* data, size_t size) {
  if (size == 0) return {};
  const bool changed = data[0] & 1;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!changed) return std::string(bytes);
  std::string input(sample);
  for (; bytes.size() >= 4 && !input.empty(); bytes.remove_prefix(4)) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    const size_t place = (byte(2) * 256u + byte(3)) % input.size();
    switch (byte(0) % 4) {
      case 0:
        input[place] = bytes[1];
        break;
      case 1:
        input.insert(place, 1, bytes[1]);
        break;
      case 2:
        input.erase(place, byte(1));
        break;
      default:
        input.insert(place, input.substr(place, byte(1)));
    }
  }
  return input;
}

}  // namespace wayside
