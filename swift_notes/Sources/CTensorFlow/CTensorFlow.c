#include "CTensorFlow.h"

#include <dlfcn.h>

// TensorFlow's string, of which only the size matters here.
typedef struct {
  _Alignas(8) char content[24];
} TF_TString;

const char *tfast_find_tensorflow(void *library, TensorFlow *found) {
  const struct {
    const char *name;
    void *address;
  } functions[] = {
#define FUNCTION(name) {"TF_" #name, &found->name}
      FUNCTION(Version),
      FUNCTION(NewStatus),
      FUNCTION(DeleteStatus),
      FUNCTION(GetCode),
      FUNCTION(Message),
      FUNCTION(NewSessionOptions),
      FUNCTION(DeleteSessionOptions),
      FUNCTION(SetConfig),
      FUNCTION(NewGraph),
      FUNCTION(DeleteGraph),
      FUNCTION(NewBuffer),
      FUNCTION(DeleteBuffer),
      FUNCTION(LoadSessionFromSavedModel),
      FUNCTION(DeleteSession),
      FUNCTION(GraphOperationByName),
      FUNCTION(SessionRun),
      FUNCTION(AllocateTensor),
      FUNCTION(DeleteTensor),
      FUNCTION(TensorType),
      FUNCTION(NumDims),
      FUNCTION(Dim),
      FUNCTION(TensorData),
      FUNCTION(StringInit),
      FUNCTION(StringAssignView),
      FUNCTION(StringGetDataPointer),
      FUNCTION(StringGetSize),
#undef FUNCTION
  };
  const size_t count = sizeof functions / sizeof *functions;
  _Static_assert(sizeof functions / sizeof *functions == sizeof(TensorFlow) / sizeof(void *),
                 "each function is listed");
  for (size_t i = 0; i < count; i++) {
    void *function = dlsym(library, functions[i].name);
    if (!function) return functions[i].name;
    *(void **)functions[i].address = function;
  }
  return NULL;
}

TF_Tensor *tfast_string_tensor(const TensorFlow *tensorflow, const char *const *texts,
                               const size_t *lengths, size_t count) {
  const int64_t shape[] = {(int64_t)count};
  TF_Tensor *tensor =
      tensorflow->AllocateTensor(TF_STRING, shape, 1, count * sizeof(TF_TString));
  if (!tensor) return NULL;
  TF_TString *strings = tensorflow->TensorData(tensor);
  for (size_t i = 0; i < count; i++) {
    tensorflow->StringInit(&strings[i]);
    tensorflow->StringAssignView(&strings[i], texts[i], lengths[i]);
  }
  return tensor;
}

const char *tfast_string_at(const TensorFlow *tensorflow, const TF_Tensor *tensor, size_t number,
                            size_t *length) {
  const TF_TString *strings = tensorflow->TensorData(tensor);
  *length = tensorflow->StringGetSize(&strings[number]);
  return tensorflow->StringGetDataPointer(&strings[number]);
}
