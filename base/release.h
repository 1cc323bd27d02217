// Gives back the room of a string or vector, which clear() keeps, and so does `= {}`.
#pragma once

namespace wayside {

template <class Container>
void release(Container& container) {
  Container().swap(container);
}

}  // namespace wayside
