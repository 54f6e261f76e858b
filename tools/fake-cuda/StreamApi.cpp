//===- StreamApi.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Streams, events, capture and graphs.
//
//===----------------------------------------------------------------------===//
#include "tools/fake-cuda/Driver.h"

#include <chrono>

static double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

//===----------------------------------------------------------------------===//
// Streams.
//===----------------------------------------------------------------------===//

FAKE_CUDA_API cuStreamCreate(CUstream *stream, unsigned flags) {
  FAKE_CUDA_ENTER(Context);
  if (flags > 1)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  *stream = new FakeStream;
  (*stream)->context = call.context;
  (*stream)->blocking = !flags;
  call.context->streams.insert(*stream);
  call.driver.handles.insert(*stream);
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuStreamCreateWithPriority(CUstream *stream, unsigned flags,
                                         int) {
  return cuStreamCreate(stream, flags);
}

FAKE_CUDA_API cuStreamDestroy_v2(CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(stream))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  call.driver.drain(stream);
  call.context->streams.erase(stream);
  call.driver.handles.erase(stream);
  delete stream;
  return call.done(CUDA_SUCCESS);
}

/// Waiting for a stream that captures spoils the capture.
static CUresult spoil(FakeStream *stream) {
  stream->invalidated = true;
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

FAKE_CUDA_API cuStreamSynchronize(CUstream handle) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  if (stream->capture)
    return call.done(spoil(stream));
  error = call.driver.drain(stream);
  // The default stream also waits for those that wait for it.
  if (!error && stream->isDefault)
    for (FakeStream *other : std::set<CUstream>(call.context->streams))
      if (other->blocking && !error)
        error = call.driver.drain(other);
  return call.done(error);
}

FAKE_CUDA_API cuStreamQuery(CUstream handle) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  if (stream->capture)
    return call.done(spoil(stream));
  // Asking often enough must see the end.
  call.driver.runOne(stream);
  if (call.context->sticky)
    return call.done(call.context->sticky);
  return call.done(stream->queue.empty() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY);
}

FAKE_CUDA_API cuStreamGetCtx(CUstream handle, CUcontext *context) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (stream)
    *context = stream->context;
  return call.done(error);
}

//===----------------------------------------------------------------------===//
// Events.
//===----------------------------------------------------------------------===//

FAKE_CUDA_API cuEventCreate(CUevent *event, unsigned) {
  FAKE_CUDA_ENTER(Context);
  *event = new FakeEvent;
  (*event)->context = call.context;
  call.driver.handles.insert(*event);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuEventDestroy_v2(CUevent event) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(event))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  // A recording that is still to come writes to the event.
  if (!event->done && event->stream && call.driver.handles.count(event->stream))
    call.driver.drain(event->stream, event->sequence);
  call.driver.handles.erase(event);
  delete event;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuEventRecord(CUevent event, CUstream handle) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(event))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  event->capture = stream->capture;
  if (stream->capture)
    return call.done(CUDA_SUCCESS);
  event->stream = stream;
  event->done = false;
  event->sequence = call.driver.nextSequence;
  Driver *driver = &call.driver;
  uint64_t sequence = event->sequence;
  return call.done(driver->enqueue(stream, "event", [=] {
    if (driver->handles.count(event) && event->sequence == sequence) {
      event->done = true;
      event->time = now();
    }
    return CUDA_SUCCESS;
  }));
}

FAKE_CUDA_API cuEventSynchronize(CUevent event) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(event))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  if (event->capture)
    return call.done(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  if (!event->done)
    call.driver.drain(event->stream, event->sequence);
  return call.done(call.context->sticky);
}

FAKE_CUDA_API cuEventQuery(CUevent event) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(event))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  if (!event->done)
    call.driver.runOne(event->stream);
  if (call.context->sticky)
    return call.done(call.context->sticky);
  return call.done(event->done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY);
}

FAKE_CUDA_API cuEventElapsedTime(float *milliseconds, CUevent start,
                                 CUevent end) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(start) || !call.driver.handles.count(end) ||
      !start->sequence || !end->sequence)
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  if (!start->done || !end->done)
    return call.done(CUDA_ERROR_NOT_READY);
  *milliseconds = float((end->time - start->time) * 1e3);
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuEventElapsedTime_v2(float *milliseconds, CUevent start,
                                    CUevent end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

FAKE_CUDA_API cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(event))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  if (event->capture) {
    // Waiting for a stream that captures joins its capture.
    stream->capture = event->capture;
    return call.done(CUDA_SUCCESS);
  }
  if (!event->sequence || stream->capture)
    return call.done(CUDA_SUCCESS);
  Driver *driver = &call.driver;
  FakeStream *source = event->stream;
  uint64_t sequence = event->sequence;
  return call.done(driver->enqueue(stream, "wait", [=] {
    // A stream that was destroyed has done its work.
    if (source->isDefault || driver->handles.count(source))
      driver->drain(source, sequence);
    return CUDA_SUCCESS;
  }));
}

//===----------------------------------------------------------------------===//
// Capture and graphs.
//===----------------------------------------------------------------------===//

FAKE_CUDA_API cuStreamBeginCapture_v2(CUstream handle, int mode) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  if (mode < 0 || mode > 2)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  if (stream->isDefault)
    return call.done(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  if (stream->capture)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  stream->capture = new FakeGraph;
  stream->isOrigin = true;
  stream->invalidated = false;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuStreamEndCapture(CUstream handle, CUgraph *graph) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  if (!stream->capture)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  if (!stream->isOrigin)
    return call.done(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  FakeGraph *captured = stream->capture;
  bool invalidated = false;
  for (FakeStream *other : call.context->streams)
    if (other->capture == captured) {
      invalidated |= other->invalidated;
      other->capture = nullptr;
      other->isOrigin = other->invalidated = false;
    }
  if (invalidated) {
    delete captured;
    *graph = nullptr;
    return call.done(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  }
  call.driver.handles.insert(captured);
  *graph = captured;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuStreamIsCapturing(CUstream handle, int *status) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (stream)
    *status = !stream->capture ? 0 : stream->invalidated ? 2 : 1;
  return call.done(error);
}

FAKE_CUDA_API cuGraphInstantiateWithFlags(CUgraphExec *executable,
                                          CUgraph graph, uint64_t) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(graph))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  *executable = new FakeGraphExec;
  (*executable)->nodes = graph->nodes;
  call.driver.handles.insert(*executable);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuGraphExecUpdate_v2(CUgraphExec executable, CUgraph graph,
                                   void *) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(executable) ||
      !call.driver.handles.count(graph))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  // Only values may change, not what there is to do.
  bool same = executable->nodes.size() == graph->nodes.size();
  for (size_t i = 0; same && i < graph->nodes.size(); ++i)
    same = executable->nodes[i].kind == graph->nodes[i].kind;
  if (!same)
    return call.done(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  executable->nodes = graph->nodes;
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuGraphExecUpdate(CUgraphExec executable, CUgraph graph, void *,
                                int *status) {
  CUresult error = cuGraphExecUpdate_v2(executable, graph, nullptr);
  if (status)
    *status = error ? 1 : 0;
  return error;
}

FAKE_CUDA_API cuGraphLaunch(CUgraphExec executable, CUstream handle) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(executable))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  // The launch keeps what the graph was when it was launched.
  auto nodes = std::make_shared<std::vector<Operation>>(executable->nodes);
  return call.done(call.driver.enqueue(stream, "graph", [nodes] {
    for (const Operation &node : *nodes)
      if (CUresult code = node.run())
        return code;
    return CUDA_SUCCESS;
  }));
}

FAKE_CUDA_API cuGraphExecDestroy(CUgraphExec executable) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.erase(executable))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  delete executable;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuGraphDestroy(CUgraph graph) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.erase(graph))
    return call.done(CUDA_ERROR_INVALID_HANDLE);
  delete graph;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuGraphGetNodes(CUgraph graph, void **nodes, size_t *count) {
  FAKE_CUDA_ENTER(Context);
  if (!call.driver.handles.count(graph) || nodes)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  *count = graph->nodes.size();
  return call.done(CUDA_SUCCESS);
}
