// Expected failures travel as values: Result<T> holds a T or an Error, Status only an Error or
// nothing.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace wayside {

// The numbers are the exit codes of sysexits(3), so that main() can return them as they are.
enum class ErrorCode {
  kUsage = 64,
  kBadData = 65,
  kUnreadable = 66,  // the medium does not give it back; once may be an accident
  kUnavailable = 69,
  kInternal = 70,
  kFull = 73,  // no room: a full disk, or a quota
  kIo = 74,
  kConfig = 78,
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // what failed, on what, and why
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  const Error& error() const {
    assert(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  const Error& error() const {
    assert(!ok());
    return std::get<1>(state_);
  }
  T& value() {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const {
    assert(ok());
    return std::get<0>(state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace wayside

#define WS_CONCAT_INNER(a, b) a##b
#define WS_CONCAT(a, b) WS_CONCAT_INNER(a, b)

// Leaves the enclosing function with the error of `expression`, if it has one.
#define WS_TRY(expression)                                                        \
  do {                                                                            \
    if (auto ws_status = (expression); !ws_status.ok()) return ws_status.error(); \
  } while (false)

// Declares `target` as the value of `expression`, or leaves with its error.
#define WS_ASSIGN(target, expression)                                                        \
  auto WS_CONCAT(ws_result_, __LINE__) = (expression);                                       \
  if (!WS_CONCAT(ws_result_, __LINE__).ok()) return WS_CONCAT(ws_result_, __LINE__).error(); \
  target = std::move(*WS_CONCAT(ws_result_, __LINE__))
