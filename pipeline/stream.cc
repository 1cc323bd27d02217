#include "pipeline/stream.h"

#include "pipeline/block.h"

namespace wayside {

void Stream::push(const Rows& rows, EmissionBuffer& out) const {
  for (const Consumer& c : consumers_) c.block->process(c.input, rows, out);
}

}  // namespace wayside
