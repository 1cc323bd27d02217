// The errors that checks of a configuration find, each at its position. A place where a former
// stage has found an error means nothing, so that one slip is told once.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"

namespace wayside {

class Findings {
 public:
  // Borrows all three. What is in `errors` already is of a former stage.
  Findings(const Config& config, const std::string& file, std::vector<ConfigError>& errors)
      : config_(config), file_(file), errors_(errors) {
    remember_places();
  }

  // From here on those found so far are a former stage's.
  void remember_places();
  // Whether an error of a former stage stands there: its value means nothing then.
  bool told(const std::string& block, const std::string& item) const;

  void add(const std::string& block, const std::string& item, const std::string& message,
           size_t offset = 0);
  // An error if `name` is not one of `names`.
  void known(const std::string& block, const std::string& item, const std::string& kind,
             const std::string& name, const std::vector<std::string>& names);
  void uplinks_known(const std::string& block, const std::string& item,
                     const std::vector<std::string>& names);
  std::vector<std::string> source_names() const;
  // An error for each that is neither a source nor a block that others can read.
  void streams_known(const std::string& block, const std::string& item,
                     const std::vector<std::string>& names);

 private:
  bool told_at(const std::string& key) const;

  const Config& config_;
  const std::string& file_;
  std::vector<ConfigError>& errors_;
  std::set<std::pair<uint32_t, uint32_t>> told_;  // lines and columns of former stages' errors
};

}  // namespace wayside
