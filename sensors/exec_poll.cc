// What a program says on its standard output, once it has ended well.
#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "sensors/child_process.h"
#include "sensors/poll.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kOutputBytes = 4 << 10;
constexpr size_t kErrorsKept = 1 << 10;  // of what it says on standard error, the end

class ExecPoll final : public Poll, public std::enable_shared_from_this<ExecPoll> {
 public:
  ExecPoll(asio::io_context& io, const InputOptions& options)
      : io_(io), options_(options), argv_{parse_input_url(options.url)->path} {
    argv_.insert(argv_.end(), options.args.begin(), options.args.end());
  }
  ~ExecPoll() override { cancel(); }

  void begin(Done done) override;
  void cancel() override;

 private:
  void read_output();
  void read_errors();
  void part_ended();
  std::string last_error() const;
  void end(const Result<std::string_view>& result);
  // A handler that does nothing once it is about another run, or none.
  template <class Then>
  auto in_this(Then then) {
    return [self = shared_from_this(), run = child_, then](auto... result) {
      if (self->child_ == run) then(result...);
    };
  }

  asio::io_context& io_;
  const InputOptions options_;
  std::vector<std::string> argv_;
  Done done_;
  std::shared_ptr<ChildProcess> child_;
  int parts_left_ = 0;  // of its two outputs and itself
  std::string output_;
  std::string errors_;
  std::array<char, kOutputBytes> output_part_;
  std::array<char, kOutputBytes> errors_part_;
};

void ExecPoll::begin(Done done) {
  done_ = std::move(done);
  output_.clear();
  errors_.clear();
  auto child = ChildProcess::start(io_, argv_);
  if (!child.ok()) return end(child.error());
  child_ = std::move(*child);
  parts_left_ = 3;
  child_->await_end(in_this([this] { part_ended(); }));
  read_output();
  read_errors();
}

void ExecPoll::cancel() {
  done_ = {};
  if (const auto child = std::exchange(child_, nullptr)) child->abandon();
}

void ExecPoll::read_output() {
  child_->output.async_read_some(asio::buffer(output_part_),
                                 in_this([this](error_code error, size_t n) {
                                   if (error) return part_ended();
                                   if (output_.size() + n > options_.max_output_bytes) {
                                     return end(poll_error("it says more than max_output"));
                                   }
                                   output_.append(output_part_.data(), n);
                                   read_output();
                                 }));
}

void ExecPoll::read_errors() {
  child_->errors.async_read_some(asio::buffer(errors_part_),
                                 in_this([this](error_code error, size_t n) {
                                   if (error) return part_ended();
                                   errors_.append(errors_part_.data(), n);
                                   const size_t more = errors_.size();
                                   errors_.erase(0, more - std::min(more, kErrorsKept));
                                   read_errors();
                                 }));
}

void ExecPoll::part_ended() {
  if (--parts_left_ > 0) return;
  const std::string trouble = child_->trouble();
  const std::string said = last_error();
  if (!trouble.empty()) return end(poll_error(said.empty() ? trouble : trouble + ": " + said));
  if (!said.empty()) log_debug("input {}: {} says: {}", options_.name, argv_[0], said);
  end(std::string_view(output_));
}

std::string ExecPoll::last_error() const {
  std::string_view text = errors_;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return printable(text.substr(text.rfind('\n') + 1));
}

void ExecPoll::end(const Result<std::string_view>& result) {
  if (const auto child = std::exchange(child_, nullptr)) child->abandon();
  if (const Done done = std::exchange(done_, {})) done(result);
}

}  // namespace

std::shared_ptr<Poll> make_exec_poll(asio::io_context& io, const InputOptions& options) {
  return std::make_shared<ExecPoll>(io, options);
}

}  // namespace wayside
