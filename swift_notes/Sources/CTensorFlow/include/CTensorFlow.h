// What is used of TensorFlow's C interface, found in an opened library.
//
// Source: TensorFlow 2.21, tensorflow/c/c_api.h, tf_tensor.h and tf_tstring.h (Apache 2.0).

#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct TF_Status TF_Status;
typedef struct TF_SessionOptions TF_SessionOptions;
typedef struct TF_Graph TF_Graph;
typedef struct TF_Session TF_Session;
typedef struct TF_Operation TF_Operation;
typedef struct TF_Tensor TF_Tensor;

typedef struct TF_Buffer {
  const void *_Nullable data;
  size_t length;
  void (*_Nullable data_deallocator)(void *_Nullable data, size_t length);
} TF_Buffer;

typedef struct TF_Output {
  TF_Operation *_Nullable oper;
  int index;
} TF_Output;

enum { TF_FLOAT = 1, TF_UINT8 = 4, TF_STRING = 7 };

// Functions by their names without "TF_".
typedef struct TensorFlow {
  const char *_Nonnull (*_Nonnull Version)(void);
  TF_Status *_Nonnull (*_Nonnull NewStatus)(void);
  void (*_Nonnull DeleteStatus)(TF_Status *_Nonnull);
  int (*_Nonnull GetCode)(const TF_Status *_Nonnull);
  const char *_Nonnull (*_Nonnull Message)(const TF_Status *_Nonnull);
  TF_SessionOptions *_Nonnull (*_Nonnull NewSessionOptions)(void);
  void (*_Nonnull DeleteSessionOptions)(TF_SessionOptions *_Nonnull);
  void (*_Nonnull SetConfig)(TF_SessionOptions *_Nonnull, const void *_Nonnull config,
                             size_t length, TF_Status *_Nonnull);
  TF_Graph *_Nonnull (*_Nonnull NewGraph)(void);
  void (*_Nonnull DeleteGraph)(TF_Graph *_Nonnull);
  TF_Buffer *_Nonnull (*_Nonnull NewBuffer)(void);
  void (*_Nonnull DeleteBuffer)(TF_Buffer *_Nonnull);
  TF_Session *_Nullable (*_Nonnull LoadSessionFromSavedModel)(
      const TF_SessionOptions *_Nonnull, const TF_Buffer *_Nullable run_options,
      const char *_Nonnull directory, const char *_Nonnull const *_Nonnull tags, int tag_count,
      TF_Graph *_Nonnull, TF_Buffer *_Nullable meta_graph, TF_Status *_Nonnull);
  void (*_Nonnull DeleteSession)(TF_Session *_Nonnull, TF_Status *_Nonnull);
  TF_Operation *_Nullable (*_Nonnull GraphOperationByName)(TF_Graph *_Nonnull,
                                                           const char *_Nonnull name);
  void (*_Nonnull SessionRun)(TF_Session *_Nonnull, const TF_Buffer *_Nullable run_options,
                              const TF_Output *_Nonnull inputs,
                              TF_Tensor *_Nullable const *_Nonnull input_values, int input_count,
                              const TF_Output *_Nonnull outputs,
                              TF_Tensor *_Nullable *_Nonnull output_values, int output_count,
                              const TF_Operation *_Nullable const *_Nullable targets,
                              int target_count, TF_Buffer *_Nullable run_metadata,
                              TF_Status *_Nonnull);
  TF_Tensor *_Nullable (*_Nonnull AllocateTensor)(int type, const int64_t *_Nonnull shape,
                                                  int rank, size_t bytes);
  void (*_Nonnull DeleteTensor)(TF_Tensor *_Nonnull);
  int (*_Nonnull TensorType)(const TF_Tensor *_Nonnull);
  int (*_Nonnull NumDims)(const TF_Tensor *_Nonnull);
  int64_t (*_Nonnull Dim)(const TF_Tensor *_Nonnull, int number);
  void *_Nullable (*_Nonnull TensorData)(const TF_Tensor *_Nonnull);
  void (*_Nonnull StringInit)(void *_Nonnull);
  void (*_Nonnull StringAssignView)(void *_Nonnull, const char *_Nullable, size_t);
  const char *_Nonnull (*_Nonnull StringGetDataPointer)(const void *_Nonnull);
  size_t (*_Nonnull StringGetSize)(const void *_Nonnull);
} TensorFlow;

/// Finds all functions in a library that dlopen opened.
///
/// Returns the name of one that is not there, or null.
const char *_Nullable tfast_find_tensorflow(void *_Nonnull library, TensorFlow *_Nonnull found);

/// A vector of strings. They are not copied: they must live as long as the tensor.
TF_Tensor *_Nullable tfast_string_tensor(const TensorFlow *_Nonnull tensorflow,
                                         const char *_Nullable const *_Nonnull texts,
                                         const size_t *_Nonnull lengths, size_t count);

/// The string of this number in a tensor of strings, and its length.
const char *_Nonnull tfast_string_at(const TensorFlow *_Nonnull tensorflow,
                                     const TF_Tensor *_Nonnull tensor, size_t number,
                                     size_t *_Nonnull length);
