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
// Its state folder is then as if it had been killed behind the last one, whether the store had
// followed the journal by then or not; <folder>.ended is what it had come to at a clean end.
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
    std::atomic<uint64_t> released = 0;
    (*loop)->start({.release =
                        [&](uint32_t connection, uint64_t ticket) {
                          if (connection != 0) return;
                          released = ticket;
                          released.notify_one();
                        },
                    .resume = [] {},
                    .answer = [&](const SentAnswer& answer) { answers.push_back(answer); }});
    for (uint64_t ticket = 1; const std::vector<TestMessage>& messages : entries) {
      auto chunk = make_chunk(messages, ticket);
      const size_t size = chunk->size;
      (*loop)->queue().push(std::move(chunk), size);
      for (uint64_t now = released; now < ticket; now = released) released.wait(now);
      ++ticket;
    }
    fs::copy(dir, killed, fs::copy_options::recursive);
    (*loop)->stop();
  }
  fs::remove_all(dir + ".ended");
  fs::rename(dir, dir + ".ended");
  fs::rename(killed, dir);
  return answers;
}

}  // namespace wayside
