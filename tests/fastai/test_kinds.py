import numpy as np
import pytest
from golden_weights import golden_json

from tfast.fastai.encoders import encoder_to_fastai
from tfast.fastai.image_classifiers import image_classifier_to_fastai
from tfast.fastai.kinds import kind_of
from tfast.text.models.awd_lstm import AWDLSTM
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import xresnet

GOLDEN = golden_json("fastai_numerics.json") | golden_json("xresnet_variants.json")


@pytest.mark.parametrize(
    ("golden", "kind"),
    [
        ("lm", "language_model"),
        ("classifier", "text_classifier"),
        ("xresnet18", "xresnet"),
        ("xse_resnext50_mish_sa", "xresnet"),
        ("timm_resnet18d", "xresnet"),
    ],
)
def test_kinds_of_fastai_and_timm(golden, kind):
    assert kind_of([name for name, *_ in GOLDEN[golden]["keys"]]) == kind


def test_a_learner_and_an_encoder():
    body = xresnet(9, block_counts=(1,), expansion=1, stem_widths=(4, 4, 8))
    assert kind_of(image_classifier_to_fastai(transfer_model(body, 2))) == "image_classifier"
    encoder = AWDLSTM(9, embed_size=4, hidden_size=6, num_layers=1)
    assert kind_of(encoder_to_fastai(encoder)) == "encoder"
    assert kind_of({"0.model.conv1.0.weight": np.ones(1)}) == "image_classifier"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["conv1.weight", "bn1.weight", "layer1.0.conv1.weight"], "a ResNet without the three"),
        (["0.0.weight", "0.1.weight", "0.4.0.conv1.weight"], "on torchvision's ResNet"),
        (["0.rnns.0.layers.0.linear.weight", "encoder.weight"], "a QRNN"),
        (["0.encoder.weight", "0.rnns.0.layers.0.linear.weight_raw", "1.decoder.bias"], "a QRNN"),
        (
            ["0.encoder.weight", "0.encoder_with_dropout.embed.weight", "0.rnns.0.module.bias"],
            r"of fastai before 1\.0, which took other tokens",
        ),
        (["embeds.0.weight", "layers.0.0.weight"], "a tabular model"),
        (["u_weight.weight"], "a collaborative filter"),
        (["encoder.layer.0.attention.self.query.weight"], "a transformer"),
        (["model.layers.0.self_attn.q_proj.weight"], "a transformer"),
        (["param_groups"], "the state of an optimizer"),
        (["something.weight", "else"], "begin with something.weight, else; nor are they"),
        ([], "must be of fastai's XResNet"),
    ],
)
def test_other_models_are_named(names, message):
    with pytest.raises(ValueError, match=message):
        kind_of(names)
