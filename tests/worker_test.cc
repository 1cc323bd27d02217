#include "uplink/worker.h"

#include <gtest/gtest.h>

#include <future>
#include <set>
#include <utility>

#include "tests/uplink_fixture.h"

namespace wayside {
namespace {

// The far side, and what it does to us: one letter a call, the last one for good. Calls are open()
// and deliver() in turn as they come.
//   .  works
//   x  fails, nothing happened
//   ?  fails, but all of it arrived
struct Remote {
  explicit Remote(std::string plan) : plan(std::move(plan)) {}

  std::string plan;
  bool lanes = false;
  bool disk_fails = false;  // ours; then it is opened again, too
  size_t calls = 0;
  Mark mark;
  bool was_open = false;
  std::vector<std::string> ids;
  size_t wanted = SIZE_MAX;
  std::promise<void> complete;  // `wanted` messages are there
  std::promise<void> failed;    // for the first time
  std::promise<void> opened;    // for the first time
  bool held = false;            // deliveries wait for `go_on`
  std::promise<void> delivering;
  std::promise<void> go_on;

  char next_call() {
    const char what = plan[std::min(calls++, plan.size() - 1)];
    if (what != '.' && calls - 1 == plan.find_first_not_of('.')) failed.set_value();
    return what;
  }
};

class RemoteSink : public Sink {
 public:
  explicit RemoteSink(Remote& remote) : remote_(remote) {}
  bool has_backlog_lane() const override { return remote_.lanes; }
  Result<Mark> open(const Mark& local) override {
    EXPECT_TRUE(!open_ || remote_.disk_fails);
    if (remote_.next_call() != '.') return Error{ErrorCode::kUnavailable, "nobody answers"};
    open_ = true;
    if (!std::exchange(remote_.was_open, true)) remote_.opened.set_value();
    return remote_.mark.delivered >= local.delivered ? remote_.mark : local;
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    EXPECT_TRUE(open_) << "after an error open() is next";
    EXPECT_FALSE(messages.empty());
    if (std::exchange(remote_.held, false)) {
      remote_.delivering.set_value();
      remote_.go_on.get_future().wait();
    }
    const char what = remote_.next_call();
    if (what != 'x') {
      for (const Message& m : messages) remote_.ids.push_back(m.id);
      remote_.mark = after;
      if (remote_.ids.size() >= remote_.wanted) {
        remote_.wanted = SIZE_MAX;
        remote_.complete.set_value();
      }
    }
    open_ = what == '.';
    return open_ ? Status() : Error{ErrorCode::kUnavailable, "the line is cut"};
  }

 private:
  Remote& remote_;
  bool open_ = false;
};

constexpr uint64_t kWorkerEntries = 4;

struct WorkerTest : testing::Test, UplinkFixture {
  WorkerTest() {
    for (uint64_t i = 0; i < kWorkerEntries; ++i) {
      read(3);
      emit(Lane::kResult);
      emit(Lane::kAlarm);
    }
    MessageBatch messages;
    Mark mark, after;
    const auto all = backlog();
    while (all->next(mark, {kWorkerEntries}, messages, after).ok() && !messages.empty()) {
      for (const Message& m : messages) expected.push_back(m.id);
      mark = after;
    }
  }

  // Pauses of a few milliseconds, and no company is waited for.
  UplinkOptions options() const {
    UplinkOptions o;
    o.name = "centre";
    o.retry_min_ms = o.retry_max_ms = 2;
    o.linger_ms = 0;
    return o;
  }
  std::unique_ptr<UplinkWorker> worker(Remote& remote, const UplinkOptions& o,
                                       const Mark& local = {}) {
    BacklogOptions b = UplinkFixture::options();
    b.batch_messages = 4;
    return std::make_unique<UplinkWorker>(o, local, std::make_unique<RemoteSink>(remote),
                                          backlog(b));
  }

  std::vector<std::string> expected;
};

TEST_F(WorkerTest, delivers_everything_once_and_in_order_whatever_fails) {
  for (const char* plan : {".", "x.", "xxx.", ".x.", ".?.", "..x.", "..?.", ".xx?.", ".x.x.x.x.",
                           ".?.?.?.?.", ".?x.?x.", "..?xxx.x.?.", ".xx..?x?x?.."}) {
    SCOPED_TRACE(plan);
    Remote remote(plan);
    remote.wanted = expected.size();
    auto complete = remote.complete.get_future();
    auto w = worker(remote, WorkerTest::options());
    w->start();
    w->notify({kWorkerEntries}, false);
    complete.wait();
    w->stop(true);
    EXPECT_EQ(remote.ids, expected);
    EXPECT_EQ(remote.mark.delivered, expected.size());
  }
}

// Whenever the link is back, what waits becomes a part of the backlog, while parts of former
// outages still wait.
TEST_F(WorkerTest, a_backlog_is_delivered_once_whatever_fails_in_its_middle) {
  const std::multiset<std::string> all(expected.begin(), expected.end());
  for (const char* plan : {".", "...x.", "...?.", "..x.?.x.?.", "....?xx.", ".?.?.?.?.?.?."}) {
    for (uint64_t n = 0; n < 30; ++n) {
      SCOPED_TRACE(std::string(plan) + ", call " + std::to_string(n) + " of the disk fails");
      Remote remote(plan);
      remote.lanes = remote.disk_fails = true;
      remote.wanted = expected.size();
      auto complete = remote.complete.get_future();
      UplinkOptions cutting = WorkerTest::options();
      cutting.backlog_after = 2;
      auto w = worker(remote, cutting);
      disk.fail_call(n);
      w->start();
      w->notify({kWorkerEntries, last_sequence}, false);
      complete.wait();
      w->stop(true);
      disk.fail_call(0);
      EXPECT_EQ(std::multiset<std::string>(remote.ids.begin(), remote.ids.end()), all);
      EXPECT_EQ(remote.mark.delivered, expected.size());
      EXPECT_EQ(remote.mark.dropped, 0u);
    }
  }
}

TEST_F(WorkerTest, tells_how_far_it_has_come) {
  Remote remote(".");
  auto w = worker(remote, WorkerTest::options());
  EXPECT_FALSE(w->progress().connected);
  w->start();
  w->notify({kWorkerEntries}, true);
  remote.opened.get_future().wait();
  w->stop(true);
  EXPECT_TRUE(w->progress().connected);
  EXPECT_EQ(w->progress().trouble, "");
  EXPECT_EQ(w->progress().mark, remote.mark);
  EXPECT_EQ(w->progress().mark.raw.entry, kWorkerEntries);
}

TEST_F(WorkerTest, goes_on_from_where_the_sink_says_if_that_is_further) {
  Remote remote(".");
  MessageBatch messages;
  BacklogOptions five = UplinkFixture::options();
  five.batch_messages = 5;
  const auto there = backlog(five);
  for (int i = 0; i < 2; ++i) {  // four alarms, then five more
    const Mark from = remote.mark;
    ASSERT_TRUE(there->next(from, {kWorkerEntries}, messages, remote.mark).ok());
  }
  auto w = worker(remote, WorkerTest::options());
  w->start();
  w->notify({kWorkerEntries}, true);
  remote.opened.get_future().wait();
  w->stop(true);
  EXPECT_EQ(remote.ids, std::vector<std::string>(expected.begin() + 9, expected.end()));
}

TEST_F(WorkerTest, a_sink_that_holds_what_the_store_never_gave_gets_nothing_until_a_new_epoch) {
  const uint64_t last = 2 * kWorkerEntries;
  struct Row {
    Mark mark;
    bool ours;
  };
  const Row rows[] = {
      {{"e1", {last, last - 1}, {kWorkerEntries, 0, 0}, 9, 0, 0, 0, {}}, true},
      {{"e1", {last, last - 1}, {kWorkerEntries + 1, 0, 0}, 9, 0, 0, 0, {}}, false},
      {{"e1", {last, last + 1}, {kWorkerEntries, 0, 0}, 9, 0, 0, 0, {}}, false},
      {{"e1", {last, last - 1}, {kWorkerEntries, 0, 0}, 9, 0, kWorkerEntries, 1, {}},
       false},  // another chain
  };
  for (const auto& [mark, ours] : rows) {
    SCOPED_TRACE(mark.to_text());
    Remote remote(".");
    remote.mark = mark;
    auto w = worker(remote, WorkerTest::options());
    auto opened = remote.opened.get_future();
    w->notify({kWorkerEntries, last}, true);
    w->start();
    opened.wait();
    w->stop(true);
    EXPECT_EQ(remote.ids, std::vector<std::string>());
    EXPECT_EQ(remote.calls, 1u) << "it is opened once";
    EXPECT_EQ(w->progress().needs_epoch, !ours);
    EXPECT_EQ(w->progress().connected, ours);
    EXPECT_EQ(w->progress().mark.delivered, ours ? 9u : 0u);
  }
}

TEST_F(WorkerTest, what_is_there_is_delivered_before_it_ends) {
  Remote remote(".");
  UplinkOptions patient = WorkerTest::options();
  patient.linger_ms = 3'600'000;
  auto w = worker(remote, patient);
  w->start();
  w->notify({kWorkerEntries}, false);
  remote.opened.get_future().wait();
  w->stop(true);
  EXPECT_EQ(remote.ids, expected);
}

TEST_F(WorkerTest, what_is_not_delivered_in_time_stays_for_the_next_life) {
  Remote remote(".");
  remote.held = true;
  auto w = worker(remote, WorkerTest::options());
  w->start();
  w->notify({kWorkerEntries}, true);
  remote.delivering.get_future().wait();
  w->request_stop(true, std::chrono::milliseconds(0));
  remote.go_on.set_value();
  w->stop(true);
  EXPECT_EQ(remote.ids, std::vector<std::string>(expected.begin(), expected.begin() + 4));
  EXPECT_EQ(w->progress().mark, remote.mark);
}

TEST_F(WorkerTest, an_alarm_does_not_wait_for_company) {
  Remote remote(".");
  remote.wanted = expected.size();
  auto complete = remote.complete.get_future();
  UplinkOptions patient = WorkerTest::options();
  patient.linger_ms = 3'600'000;
  auto w = worker(remote, patient);
  w->start();
  w->notify({kWorkerEntries}, true);
  complete.wait();
  w->stop(false);
  EXPECT_EQ(remote.ids, expected);
}

TEST_F(WorkerTest, ends_although_the_sink_fails_and_says_what_the_trouble_was) {
  for (const bool drain : {false, true}) {
    Remote remote("x");
    auto failed = remote.failed.get_future();
    UplinkOptions patient = WorkerTest::options();
    patient.retry_min_ms = patient.retry_max_ms = 3'600'000;
    auto w = worker(remote, patient);
    w->start();
    w->notify({kWorkerEntries}, true);
    failed.wait();
    w->stop(drain);
    EXPECT_EQ(remote.calls, 1u) << "it is not opened again";
    EXPECT_FALSE(w->progress().connected);
    EXPECT_EQ(w->progress().trouble, "nobody answers");
    EXPECT_EQ(w->progress().mark, Mark());
  }
}

}  // namespace
}  // namespace wayside
