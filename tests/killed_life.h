// Lives of a gateway that end as by kill -9: the folder as it is while the gateway runs.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "firmware-gw/loop.h"
#include "tests/messages.h"

namespace wayside {

// What a life without a link takes in, a journal entry for each of `entries`, and what it answers.
// Its state folder is then as if it had been killed behind the last one.
inline std::vector<SentAnswer> live_and_be_killed(
    const Config& config, const std::vector<std::vector<TestMessage>>& entries) {
  namespace fs = std::filesystem;
  const std::string dir = config.gateway.state_dir;
  const std::string killed = dir + ".killed";
  std::vector<SentAnswer> answers;
  {
    auto loop = Loop::recover(config, Surroundings::system(config));
    if (!loop.ok()) {
      ADD_FAILURE() << loop.error().message;
      return answers;
    }
    std::atomic<size_t> committed = 0;
    (*loop)->start({.release =
                        [&](uint32_t, uint64_t) {
                          ++committed;
                          committed.notify_one();
                        },
                    .resume = [] {},
                    .answer = [&](const SentAnswer& answer) { answers.push_back(answer); }});
    for (const std::vector<TestMessage>& messages : entries) {
      const size_t before = committed;
      auto chunk = make_chunk(messages, messages.size());
      const size_t size = chunk->size;
      (*loop)->queue().push(std::move(chunk), size);
      committed.wait(before);
    }
    fs::copy(dir, killed, fs::copy_options::recursive);
    (*loop)->stop();
  }
  fs::remove_all(dir);
  fs::rename(killed, dir);
  return answers;
}

}  // namespace wayside
