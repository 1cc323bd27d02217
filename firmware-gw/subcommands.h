// What the commands of the command line do. Each gives an exit code, see ErrorCode.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "firmware-gw/init.h"

namespace wayside {

constexpr const char* kDefaultConfig = "/etc/wayside/wayside.toml";

struct Arguments {
  std::string config = kDefaultConfig;
  bool json = false;
  std::vector<std::string> dumps;
  bool of_journal = false;
  std::string journal;
  std::string after;
  std::string until;
  std::string to;
  std::string out = "-";
  std::string uplink;
  std::string source;
  std::string topic;
  std::string in = "-";
  bool watch = false;
  int64_t watch_seconds = 0;
  std::string sql;
  std::string view;
  std::string command;
  std::string id;
  size_t limit = 100;
  std::string anchor;
  std::string payload;
  std::string answer_timeout = "10s";
  std::string timeout = "60s";
  std::string memory = "64MiB";
  std::string url;
  uint32_t vehicles = 10;
  uint64_t seed = 1;
  double rate = 0;
  double seconds = 0;
  int64_t start_ms = 0;
  int qos = 1;
  FirstAnswers first;
  bool no_questions = false;
};

int run_daemon(const Arguments& a);
int check(const Arguments& a);
int init(const Arguments& a);
int buffer_ls(const Arguments& a);
int buffer_verify(const Arguments& a);
int buffer_export(const Arguments& a);
int buffer_import(const Arguments& a);
int replay(const Arguments& a);
int restore_past(const Arguments& a);
int sql(const Arguments& a);
int explain_event(const Arguments& a);
int send(const Arguments& a);
int print_effective(const Arguments& a);
int decode_payload(const Arguments& a);
int status(const Arguments& a);
int run_simulator(const Arguments& a);

}  // namespace wayside
