// Where messages go. A sink keeps its own mark beside what it delivered, so that after a crash it
// knows better than we do how far it has come.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/disk.h"
#include "base/result.h"
#include "storage/mark.h"
#include "storage/store.h"
#include "uplink/message.h"

namespace wayside {

class Sink {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~Sink() = default;
  // We are about to end: calls, also one that is under way, give up soon after `by`. Any thread.
  void hurry(Clock::time_point by) { give_up_ = by.time_since_epoch().count(); }
  // Connects, finishes or undoes what a former life left half done, and says from where to go on:
  // `local`, or what the sink itself remembers if that is further. May take long; may be called
  // again after an error.
  virtual Result<Mark> open(const Mark& local) = 0;
  // All of the messages and the mark, or an error: then open() is next, and tells what became of
  // them. A message that the other side never takes is left out; in `after` it then counts as
  // dropped instead of delivered.
  virtual Status deliver(std::span<const Message> messages, Mark& after) = 0;
  // Whether what waited may follow behind what is new. It needs a mark that is replaced together
  // with the delivery: ids alone do not tell how far two lanes are.
  virtual bool has_backlog_lane() const { return false; }

  // Something that people should hear of, once; "" for nothing.
  std::string take_news() { return std::exchange(news_, {}); }
  // Another gateway was seen to deliver under our name: who is put out is not to push back at once.
  bool has_rival() const { return has_rival_; }

 protected:
  void tell(std::string news) { news_ = std::move(news); }
  bool has_rival_ = false;
  Clock::duration time_left() const {
    return Clock::duration(give_up_) - Clock::now().time_since_epoch();
  }

 private:
  std::atomic<Clock::rep> give_up_{Clock::duration::max().count()};
  std::string news_;
};

// What a sink's mark means in the epoch of today: nothing if its own is none of `epochs`; and what
// an earlier epoch gave ends where the next one begins, whatever was lost of it.
std::optional<Mark> in_last_epoch(Mark mark, const std::vector<Epoch>& epochs);
// From where to go on: what the sink remembers, if that is ours and as far as our own mark.
Mark resume_from(const Mark& local, const std::optional<Mark>& remembered,
                 const std::vector<Epoch>& epochs);

// `epochs` are those of our store: a mark of any other epoch is not ours.
std::unique_ptr<Sink> make_file_sink(Disk& disk, const UplinkOptions& options,
                                     std::vector<Epoch> epochs);
std::unique_ptr<Sink> make_kafka_sink(const UplinkOptions& options, const std::string& gateway,
                                      std::vector<Epoch> epochs);

// Whether one of librdkafka's own settings may be in the options of an uplink: it exists, takes the
// value, and is not one that the sink sets itself. The error may repeat the value.
Status check_kafka_option(const std::string& name, const std::string& value);

}  // namespace wayside
