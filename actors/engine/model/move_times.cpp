// Every instant that a state holds, found by its type: none can be forgotten.
#include "carried.hpp"

namespace weir::engine {
namespace {

template <class T>
inline constexpr bool is_range = requires(T& x) {
  x.begin();
  x.end();
};

struct Mover {
  Duration by;

  /// What never comes does not come sooner.
  void move(Time& time) const {
    if (time != Time::max()) time = later(time, by);
  }
  void move(Failure& failure) const { move(failure.at); }
  template <class T>
  void move(std::optional<T>& x) const {
    if (x) move(*x);
  }
  template <class A, class B>
  void move(std::pair<const A, B>& x) const {
    move(x.second);
  }
  /// Structs member by member, lists and maps item by item; what holds no instants is left alone.
  template <class T>
  void move(T& x) const {
    if constexpr (Carries<T>) for_each_carried(x, [this](const Carried&, auto& member) { move(member); });
    else if constexpr (is_range<T> && !std::is_same_v<T, std::string> && !std::is_same_v<T, Object>)
      for (auto& item : x) move(item);
  }
};

}  // namespace

void move_times(State& state, Duration by) { Mover{by}.move(state); }

}  // namespace weir::engine
