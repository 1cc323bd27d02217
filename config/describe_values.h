// Values that are described as others: for the describe*.cc only.
#pragma once

#include <array>

#include "config/describe.h"

namespace wayside {

using Choice = ConfigVisitor::Choice;

// A source but for its fields, with examples of its name and topic.
void describe_source(ConfigVisitor& v, SourceOptions& o, const char* name, const char* topic);
// Of a source; behind all else, since in a sample they are a table of their own.
void describe_fields(ConfigVisitor& v, SourceOptions& o);

template <class Enum, size_t n>
void choose(ConfigVisitor& v, const ConfigVisitor::Key& key, Enum& value,
            const std::array<Choice, n>& choices) {
  int number = static_cast<int>(value);
  v.choice(key, number, choices);
  value = static_cast<Enum>(number);
}

template <class Number>
void whole(ConfigVisitor& v, const ConfigVisitor::Key& key, Number& value, int64_t min,
           int64_t max) {
  auto wide = static_cast<int64_t>(value);
  v.integer(key, wide, min, max);
  value = static_cast<Number>(wide);
}

// How much state a block may hold; of every block whose state is by key.
void describe_bounds(ConfigVisitor& v, StateBounds& o);

}  // namespace wayside
