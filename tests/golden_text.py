"""fastai's language model and classifier of the golden numbers, their weights put into ours."""

from golden_weights import golden_json, golden_state_dict

FASTAI = golden_json("fastai_numerics.json")
SIZES = {"embed_size": 12, "hidden_size": 20, "num_layers": 3}


def load_encoder(encoder, state, prefix):
    """PyTorch's weights are (out, in) and have two biases that add up."""
    encoder.embeddings.assign(state[f"{prefix}encoder.weight"])
    for number, lstm in enumerate(encoder.lstms):
        rnn = f"{prefix}rnns.{number}."
        bias = state[f"{rnn}module.bias_ih_l0"] + state[f"{rnn}module.bias_hh_l0"]
        kernel, recurrent = state[f"{rnn}module.weight_ih_l0"], state[f"{rnn}weight_hh_l0_raw"]
        lstm.layer.set_weights([kernel.T, recurrent.T, bias])


def load_language_model(model):
    state = golden_state_dict(FASTAI["lm"]["keys"])
    load_encoder(model.encoder, state, "0.")
    model.decoder.bias.assign(state["1.decoder.bias"])


def load_classifier(model):
    state = golden_state_dict(FASTAI["classifier"]["keys"])
    load_encoder(model.encoder, state, "0.module.")
    names = ("weight", "bias", "running_mean", "running_var")
    norm_1, _, dense_1, norm_2, _, dense_2 = model.head
    for number, (norm, dense) in enumerate([(norm_1, dense_1), (norm_2, dense_2)]):
        block = f"1.layers.{number}."
        norm.set_weights([state[f"{block}0.{name}"] for name in names])
        dense.set_weights([state[f"{block}2.weight"].T])
