// Lives of a gateway that end as by kill -9: the folder as it is while the gateway runs.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
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
    (*loop)->start({.release = [](uint32_t, uint64_t) {},
                    .resume = [] {},
                    .answer = [&](const SentAnswer& answer) { answers.push_back(answer); }});
    const auto journaled = [&] {
      const auto status = (*loop)->status().latest();
      return status ? status->journal_entry : 0;
    };
    while ((*loop)->status().latest() == nullptr) std::this_thread::yield();
    for (const std::vector<TestMessage>& messages : entries) {
      const uint64_t before = journaled();
      auto chunk = make_chunk(messages, messages.size());
      const size_t size = chunk->size;
      (*loop)->queue().push(std::move(chunk), size);
      while (journaled() == before) std::this_thread::yield();
    }
    fs::copy(dir, killed, fs::copy_options::recursive);
    (*loop)->stop();
  }
  fs::remove_all(dir);
  fs::rename(killed, dir);
  return answers;
}

}  // namespace wayside
