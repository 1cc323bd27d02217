// The command line of the tests that are programs of their own: words, each followed by its value.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace wayside {

class Options {
 public:
  Options(int argc, char** argv) : argc_(argc), argv_(argv) {}

  // Of an option that is given twice the last one counts.
  std::string text(std::string_view name, const std::string& otherwise) const {
    for (int i = (argc_ - 1) / 2 * 2 - 1; i > 0; i -= 2) {
      if (argv_[i] == name) return argv_[i + 1];
    }
    return otherwise;
  }
  uint64_t number(std::string_view name, uint64_t otherwise) const {
    const std::string value = text(name, "");
    return value.empty() ? otherwise : std::strtoull(value.c_str(), nullptr, 10);
  }

 private:
  int argc_;
  char** argv_;
};

}  // namespace wayside
