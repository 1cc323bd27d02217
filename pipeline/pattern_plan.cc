#include "pipeline/pattern_plan.h"

#include <algorithm>
#include <charconv>

namespace wayside {
namespace {

bool parse_count(std::string_view text, uint32_t& n) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() && n > 0 && n < 1'000'000'000;
}

// "2", "2+", "2-5"
bool parse_times(std::string_view text, uint32_t& min, uint32_t& max) {
  if (text.ends_with('+')) {
    max = PatternPlan::kAny;
    return parse_count(text.substr(0, text.size() - 1), min);
  }
  const size_t dash = text.find('-');
  if (!parse_count(text.substr(0, dash), min)) return false;
  max = min;
  return dash == std::string_view::npos || (parse_count(text.substr(dash + 1), max) && max >= min);
}

bool fail(const PatternStep& step, const char* key, const char* message, BlockError& error) {
  error.item = "steps." + step.name + "." + key;
  error.message = message;
  return false;
}

}  // namespace

bool PatternPlan::make(const PatternOptions& options, BlockError& error) {
  within_ms = options.within_ms;
  after_match = options.after_match;
  max_partial = options.max_partial;
  for (const PatternStep& step : options.steps) {
    if (!add_step(step, error)) return false;
  }
  if (!check(options, error)) return false;
  link();
  return true;
}

bool PatternPlan::add_step(const PatternStep& step, BlockError& error) {
  Step made;
  made.absent = step.absent;
  made.for_ms = step.for_ms;
  if (!parse_times(step.times, made.min, made.max)) {
    return fail(step, "times", "expected \"2\", \"2+\" or \"2-5\", and more than 0", error);
  }
  if (step.for_ms > 0 && !step.absent) return fail(step, "for", "goes with absent only", error);
  if (step.absent && step.optional) {
    return fail(step, "optional", "what is absent is not optional", error);
  }
  if (step.absent && step.times != "1") {
    return fail(step, "times", "what is absent does not come so often", error);
  }
  if (step.alternative) {
    if (groups.empty() || groups.back().absent || step.absent) {
      return fail(step, "or", "goes with a step behind another one, neither of them absent", error);
    }
    groups.back().skippable |= step.optional;
  } else {
    groups.push_back({steps.size(), steps.size(), step.optional, step.absent});
  }
  made.group = groups.size() - 1;
  steps.push_back(made);
  groups.back().end = steps.size();
  return true;
}

// What would never be waited for, or says nothing.
bool PatternPlan::check(const PatternOptions& options, BlockError& error) const {
  bool needed = false;  // a step that is not optional, since the last absence
  for (size_t g = 0; g < groups.size(); ++g) {
    const PatternStep& step = options.steps[groups[g].begin];
    if (groups[g].absent && !needed) {
      return fail(step, "absent", "stands behind a step that is neither optional nor absent",
                  error);
    }
    needed = !groups[g].absent && (needed || !groups[g].skippable);
  }
  if (groups.empty()) {
    error.item = "steps";
    error.message = "is empty";
    return false;
  }
  if (!groups.back().skippable) return true;
  return fail(options.steps[groups.back().begin], "optional",
              "the last step is never waited for if it is optional", error);
}

void PatternPlan::link() {
  for (size_t g = groups.size() - 1; g-- > 0;) {
    size_t next = g + 1;
    while (groups[next].skippable) ++next;
    if (groups[next].absent) groups[g].guard = groups[next].begin;
  }
}

}  // namespace wayside
