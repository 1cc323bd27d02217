// Arguments and results of aggregates. Where an argument may be a number or a text, T is double or
// std::string, and View<T> what a column has of it.
//
// Readings are in order of event time, and those of one time in order of their values: numbers
// ascending, texts by their bytes. Which of them came first must leave no trace, for panes are
// merged in any order.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "pipeline/aggregate_of.h"

namespace wayside {

template <class T>
using View = std::conditional_t<std::is_same_v<T, double>, double, std::string_view>;

inline bool is_there(const AggregateInput::Column& column, size_t row) {
  return column.texts ? column.texts[row] != Interner::kNone : !is_null(column.numbers[row]);
}

// False: NULL. There is one zero, not two, for the same reason.
inline bool read(const AggregateInput::Column& column, size_t row, double& x) {
  x = column.numbers[row] + 0.0;
  return !is_null(x);
}
inline bool read(const AggregateInput::Column& column, size_t row, std::string_view& x) {
  if (column.texts[row] == Interner::kNone) return false;
  x = column.dictionary->text(column.texts[row]);
  return true;
}

inline void save_value(ByteWriter& out, double x) { out.fixed(x); }
inline void save_value(ByteWriter& out, const std::string& x) { out.text(x); }
inline void load_value(ByteReader& in, double& x) { x = in.fixed<double>(); }
inline void load_value(ByteReader& in, std::string& x) { x = in.text(); }

inline size_t heap_bytes_of(double) { return 0; }
inline size_t heap_bytes_of(const std::string& x) {
  static const size_t inside = std::string().capacity();
  return x.size() > inside ? x.size() + 1 : 0;
}

// NULL for what is no number.
inline Value number(double x) { return is_null(x) ? Value() : Value(x); }

inline FieldType number_type(const AggregateCall&) { return FieldType::kNumber; }
inline FieldType text_type(const AggregateCall&) { return FieldType::kText; }
inline FieldType type_of_first_column(const AggregateCall& call) {
  return call.columns.front() == FieldType::kText ? FieldType::kText : FieldType::kNumber;
}
inline std::string nothing_wrong(const AggregateCall&) { return ""; }

// By the type of the first column.
template <template <class> class State>
std::unique_ptr<Aggregate> make_aggregate_of_either(const AggregateCall& call) {
  return call.columns.front() == FieldType::kText ? make_aggregate<State<std::string>>(call)
                                                  : make_aggregate<State<double>>(call);
}

}  // namespace wayside
