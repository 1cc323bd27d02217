// A pattern's steps as an automaton. A group is a step with its alternatives, or what is absent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/columns.h"
#include "pipeline/options.h"

namespace wayside {

struct PatternPlan {
  static constexpr size_t kNone = SIZE_MAX;
  static constexpr uint32_t kAny = UINT32_MAX;

  struct Step {
    uint32_t min = 1, max = 1;  // readings; kAny: no limit
    size_t group = 0;
    bool absent = false;
    int64_t for_ms = 0;
  };
  struct Group {
    size_t begin = 0, end = 0;  // its steps
    bool skippable = false;     // an optional step
    bool absent = false;
    // The absence that is waited for once this group is done, over optional steps perhaps; its
    // step, or kNone.
    size_t guard = kNone;
  };
  std::vector<Step> steps;
  std::vector<Group> groups;
  int64_t within_ms = 0;
  AfterMatch after_match = AfterMatch::kPastLast;
  size_t max_partial = 0;

  bool is_last(size_t group) const { return group + 1 == groups.size(); }
  // False: `error` (without its block) says why.
  bool make(const PatternOptions& options, BlockError& error);

 private:
  bool add_step(const PatternStep& step, BlockError& error);
  bool check(const PatternOptions& options, BlockError& error) const;
  void link();
};

}  // namespace wayside
