// What the read-only HTTP server says: a function of the request, the state folder and the status.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "firmware-gw/status.h"
#include "storage/group_codec.h"

namespace wayside {

struct HttpAnswer {
  unsigned status = 200;
  std::string body;  // JSON
};

HttpAnswer http_error(unsigned status, std::string_view message);

// Used by one thread; what it borrows outlives it.
class HttpAnswers {
 public:
  HttpAnswers(const Config& config, std::vector<NamedSchema> sources, const StatusBoard& board)
      : config_(config), sources_(std::move(sources)), board_(board) {}

  // `target`: path and parameters, as they stand in a request.
  HttpAnswer answer(std::string_view method, std::string_view target) const;

 private:
  using Parameters = std::map<std::string, std::string>;
  HttpAnswer status() const;
  HttpAnswer list_views() const;
  HttpAnswer view(const std::string& name, const Parameters& parameters) const;
  HttpAnswer query(const Parameters& parameters) const;
  class Rows;

  const Config& config_;
  const std::vector<NamedSchema> sources_;
  const StatusBoard& board_;
};

}  // namespace wayside
