// Every actor's typed interface on one page, with the messages they take. All messages stay in this process.
#pragma once

#include "caf_compat.hpp"

#include "actors/runtime/commit/commit_queue.hpp"
#include "step_report.hpp"
#include "stream_batch.hpp"

#include "actors/engine/model/command.hpp"

#include <weir/error.hpp>
#include <weir/store.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace weir::runtime {

struct LoadedRun;
class Passing;
class Subscription;
using HandlerReply = std::function<void(const Expected<HandlerRow>&)>;  ///< see service.hpp

// ---- to a run's supervisor

/// Begin. `started` gets the handler as it began, when that is durable, `ended` gets it when the run is over. When the beginning could
/// not be stored, or is not known to be, both get the reason, and nothing more. Both may be empty.
struct StartRun {
  engine::Tick begin;                 ///< RunStarted or RunRestored
  std::optional<IdempotencyKey> key;  ///< of the request
  HandlerReply started;
  HandlerReply ended;
  bool patient = false;  ///< begins however long the store takes
};
/// Go on where the store says that the run is.
struct ResumeRun {};
/// What the store says.
struct RunLoaded {
  std::shared_ptr<LoadedRun> loaded;
};
/// What came for a run that had left has been passed on to whoever has it now; or else there is nobody.
struct PassedOn {
  std::shared_ptr<Passing> passing;
};
/// Put an event into the run; `reply` is called when it is durable, or refused: false when nothing takes it.
struct Deliver {
  EventBox event;
  std::optional<engine::StepIndex> target;
  bool strict = false;                ///< refused when nothing takes it
  std::optional<IdempotencyKey> key;  ///< of the request
  std::function<void(Expected<bool>)> reply;
};
/// End the run; `reply` is called when it has ended: true when this request ended it.
struct CancelRun {
  std::function<void(Expected<bool>)> reply;
  bool patient = false;  ///< counts however long the store takes
};
/// Tell when the run is over, at once when it is; or that it cannot be had at the moment.
struct AwaitEnd {
  HandlerReply reply;
};
/// There is room for the run among its workflow's concurrent runs.
struct Admitted {};
/// What the commit queue says of the commit that is under way.
struct Committed {
  CommitNews news;
};
/// Look at the run between two ticks; `look` is called on the supervisor's thread.
struct Inspect {
  std::function<void(const engine::State&)> look;
};
struct TimerFired {
  std::uint64_t timer;
  Time due;  ///< no earlier than that is it now, whatever the wall clock says
  engine::TimerTick tick;
};
/// The run may have been idle for long enough to leave memory.
struct HibernationDue {};
/// The run was gone on with after a crash, and is still there after a while.
struct TrialPassed {};
/// The run is over, or has left memory, and nobody can find it any more: everything sent before this has been answered.
struct Retire {};

// ---- to a step actor

struct StartBody {
  engine::RunStep command;
};
/// The invocation has been given up: nothing it reports counts.
struct DropBody {
  std::uint64_t serial;
};
/// What an invocation awaited has come: resources, time, a blocking job, a child, or the record of a run_once result.
struct ResumeBody {
  std::uint64_t serial;
};

// ---- to an event-log actor

struct Subscribe {
  std::shared_ptr<Subscription> subscription;
};
/// The reader is ready for the next batch.
struct Continue {
  std::shared_ptr<Subscription> subscription;
};
using SharedRows = std::shared_ptr<const std::vector<EventRow>>;

/// New events are in the store.
struct Appended {
  SharedRows rows;
};
/// The last event is in the store.
struct RunOver {
  SharedRows rows;  ///< with those before it that are new
};
/// What was read from the store for a reader.
struct ReadFromStore {
  std::shared_ptr<Subscription> subscription;
  StreamBatch batch;
  std::int64_t cursor = -1;             ///< behind the batch
  bool failed = false;                  ///< the store does not answer
  std::exception_ptr thrown = nullptr;  ///< anything else
};
/// The store did not answer: try again.
struct LookAgain {};

}  // namespace weir::runtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::StartRun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Deliver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::CancelRun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::AwaitEnd)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::StepReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::TimerFired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Admitted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::ResumeRun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::RunLoaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::PassedOn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::HibernationDue)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::TrialPassed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Inspect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::DropBody)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::StartBody)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::ResumeBody)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Subscribe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Continue)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::Appended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::RunOver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::ReadFromStore)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::runtime::LookAgain)

CAF_BEGIN_TYPE_ID_BLOCK(weir_runtime, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::StartRun))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Deliver))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::CancelRun))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::AwaitEnd))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::StepReport))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::TimerFired))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Retire))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Admitted))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Committed))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::ResumeRun))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::RunLoaded))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::PassedOn))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::HibernationDue))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::TrialPassed))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Inspect))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::DropBody))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::StartBody))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::ResumeBody))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Subscribe))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Continue))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::Appended))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::RunOver))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::ReadFromStore))
CAF_ADD_TYPE_ID(weir_runtime, (weir::runtime::LookAgain))
CAF_END_TYPE_ID_BLOCK(weir_runtime)

namespace weir::runtime {

template <class M>
using Takes = compat::Takes<void, M>;

using SupervisorActor =
    caf::typed_actor<Takes<StartRun>, Takes<Deliver>, Takes<CancelRun>, Takes<AwaitEnd>, Takes<StepReport>, Takes<TimerFired>,
                     Takes<Subscribe>, Takes<Admitted>, Takes<Inspect>, Takes<Committed>, Takes<ResumeRun>, Takes<RunLoaded>,
                     Takes<PassedOn>, Takes<HibernationDue>, Takes<TrialPassed>, Takes<Retire>>;
using StepActor = caf::typed_actor<Takes<StartBody>, Takes<ResumeBody>, Takes<DropBody>>;
using EventLogActor =
    caf::typed_actor<Takes<Subscribe>, Takes<Continue>, Takes<Appended>, Takes<RunOver>, Takes<ReadFromStore>, Takes<LookAgain>>;

}  // namespace weir::runtime
