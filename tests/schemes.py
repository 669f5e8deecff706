"""How programs name the joints of one skeleton: the person of ``bvh_files``."""

from mannequin.generator.motion.joint_map import SIDED as _SIDED

MIDDLE = ("pelvis", "spine", "chest", "neck", "head")
SIDED = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
assert set(SIDED) == set(_SIDED)


def scheme(middle: str, sided: str, left: str, right: str) -> dict[str, str]:
    """Joint of the person → name. left, right: where "*" is the word."""
    names: dict[str, str] = dict(zip(MIDDLE, middle.split("/"), strict=True))
    for joint, word in zip(SIDED, sided.split("/"), strict=True):
        names |= {f"l_{joint}": left.replace("*", word), f"r_{joint}": right.replace("*", word)}
    return names


def listed(text: str) -> dict[str, str]:
    """The same of names in the order of MIDDLE, then SIDED left, then right."""
    joints = [*MIDDLE, *(f"l_{j}" for j in SIDED), *(f"r_{j}" for j in SIDED)]
    return dict(zip(joints, text.split("/"), strict=True))


def prefixed(prefix: str, names: dict[str, str], suffix: str = "") -> dict[str, str]:
    return {joint: prefix + name + suffix for joint, name in names.items()}


MOTIONBUILDER = scheme(
    "Hips/Spine/Spine1/Neck/Head", "Shoulder/Arm/ForeArm/Hand/UpLeg/Leg/Foot/ToeBase", "Left*", "Right*"
)
VRM = scheme(
    "C_Hips/C_Spine/C_Chest/C_Neck/C_Head",
    "Shoulder/UpperArm/LowerArm/Hand/UpperLeg/LowerLeg/Foot/ToeBase",
    "L_*",
    "R_*",
)
RIGIFY = scheme(
    "spine/spine.001/spine.003/spine.004/spine.006", "shoulder/upper_arm/forearm/hand/thigh/shin/foot/toe", "*.L", "*.R"
)
UNREAL = scheme(
    "pelvis/spine_01/spine_03/neck_01/head", "clavicle/upperarm/lowerarm/hand/thigh/calf/foot/ball", "*_l", "*_r"
)

SCHEMES: dict[str, dict[str, str]] = {
    "MotionBuilder, CMU by cgspeed": MOTIONBUILDER,
    "Mixamo": prefixed("mixamorig:", MOTIONBUILDER),
    "Mixamo numbered": prefixed("mixamorig12:", MOTIONBUILDER),
    "Mixamo underscore": prefixed("mixamorig_", MOTIONBUILDER),
    "character's name": prefixed("Alice_", MOTIONBUILDER),
    "character's name that is a side": prefixed("Lefty:", MOTIONBUILDER),
    "namespaces within namespaces": prefixed("scene:rig|", MOTIONBUILDER),
    "Blender's copies": prefixed("", MOTIONBUILDER, ".001"),
    "Rokoko": scheme(
        "Hips/Spine1/Spine3/Neck/Head", "Shoulder/UpperArm/LowerArm/Hand/Thigh/Shin/Foot/Toe", "Left*", "Right*"
    ),
    "Xsens": scheme(
        "Pelvis/L5/T8/Neck/Head", "Shoulder/UpperArm/ForeArm/Hand/UpperLeg/LowerLeg/Foot/Toe", "Left*", "Right*"
    ),
    "OptiTrack": scheme("Hip/Ab/Chest/Neck/Head", "Shoulder/UArm/FArm/Hand/Thigh/Shin/Foot/Toe", "L*", "R*"),
    "Perception Neuron": prefixed("Robot_", MOTIONBUILDER),
    "3ds Max Biped": prefixed(
        "Bip01 ",
        scheme("Pelvis/Spine/Spine1/Neck/Head", "Clavicle/UpperArm/Forearm/Hand/Thigh/Calf/Foot/Toe0", "L *", "R *"),
    ),
    "Poser, Daz by cgspeed": scheme(
        "hip/abdomen/chest/neck/head", "Collar/Shldr/ForeArm/Hand/Thigh/Shin/Foot/Toe", "l*", "r*"
    ),
    "Daz Genesis 8": scheme(
        "hip/abdomenLower/chestUpper/neckLower/head",
        "Collar/ShldrBend/ForearmBend/Hand/ThighBend/Shin/Foot/Toe",
        "l*",
        "r*",
    ),
    "MakeHuman default": scheme(
        "root/spine05/spine01/neck01/head",
        "clavicle/upperarm01/lowerarm01/wrist/upperleg01/lowerleg01/foot/toe1-1",
        "*.L",
        "*.R",
    ),
    "MakeHuman game engine": scheme(
        "Root/Spine1/Spine3/Neck/Head", "Clavicle/UpArm/LoArm/Hand/UpLeg/LoLeg/Foot/Toe", "*_L", "*_R"
    ),
    "Rigify metarig": RIGIFY,
    "Rigify deform bones": prefixed("DEF-", RIGIFY),
    "VRM": prefixed("J_Bip_", VRM),
    "DeepMotion": prefixed(
        "",
        scheme("hips/spine/spine2/neck/head", "shoulder/arm/forearm/hand/upleg/leg/foot/toebase", "l_*", "r_*"),
        "_JNT",
    ),
    "Unreal": UNREAL,
    "Unity humanoid": scheme(
        "Hips/Spine/Chest/Neck/Head", "Shoulder/UpperArm/LowerArm/Hand/UpperLeg/LowerLeg/Foot/Toes", "Left*", "Right*"
    ),
    "upper case": scheme(
        "HIPS/SPINE/CHEST/NECK/HEAD", "CLAVICLE/UPPERARM/FOREARM/HAND/THIGH/SHIN/FOOT/TOE", "L*", "R*"
    ),
    "lower case in one": scheme(
        "hips/spine/chest/neck/head", "shoulder/upperarm/lowerarm/hand/upperleg/lowerleg/foot/toes", "left*", "right*"
    ),
    "Acclaim (CMU's asf)": scheme(
        "root/lowerback/thorax/upperneck/head", "clavicle/humerus/radius/wrist/femur/tibia/foot/toes", "l*", "r*"
    ),
    "SMPL": scheme("Pelvis/Spine1/Spine3/Neck/Head", "Collar/Shoulder/Elbow/Wrist/Hip/Knee/Ankle/Foot", "L_*", "R_*"),
    "smplx package": scheme(
        "pelvis/spine1/spine3/neck/head", "collar/shoulder/elbow/wrist/hip/knee/ankle/foot", "left_*", "right_*"
    ),
    "Kinect": scheme(
        "SpineBase/SpineMid/SpineShoulder/Neck/Head",
        "Clavicle/Shoulder/Elbow/Wrist/Hip/Knee/Ankle/Foot",
        "*Left",
        "*Right",
    ),
    "Meredith and Maddock": scheme(
        "Hips/Chest/Chest2/Neck/Head", "Collar/Shoulder/Elbow/Wrist/Hip/Knee/Ankle/Toe", "Left*", "Right*"
    ),
    "MikuMikuDance": scheme("センター/上半身/上半身2/首/頭", "肩/腕/ひじ/手首/足/ひざ/足首/つま先", "左*", "右*"),
    "Cinema 4D": scheme(
        "Hip_jnt/Spine_01_jnt/Spine_03_jnt/Neck_jnt/Head_jnt",
        "Clavicle/Upper Arm/Lower Arm/Hand/Upper Leg/Lower Leg/Foot/Toe",
        "L * jnt",
        "R * jnt",
    ),
    "German": scheme(
        "Becken/Wirbel/Brust/Hals/Kopf",
        "Schulter/Oberarm/Unterarm/Hand/Oberschenkel/Unterschenkel/Fuss/Zehen",
        "*_links",
        "*_rechts",
    ),
    "Polish": scheme(
        "Miednica/Kregoslup/Klatka/Szyja/Glowa",
        "Obojczyk/Ramie/Przedramie/Dlon/Udo/Podudzie/Stopa/Palce",
        "*_lewa",
        "*_prawa",
    ),
    "numbers": listed("/".join(f"joint_{k}" for k in range(21))),
    "numbers, right before left": listed("/".join(f"b{(k * 8) % 21:02d}" for k in range(21))),
    "letters that lie": listed("/".join("LRACBDEFGHIJKMNOPQSTU")),
    "one name for all": listed("/".join(["bone"] * 21)),
    "sides in the middle of the word": scheme(
        "Hips/Spine/Chest/Neck/Head", "Collar/UpperArm/ForeArm/Hand/Thigh/Shin/Foot/Toe", "Bone_L_*01", "Bone_R_*01"
    ),
}
"""Program (or what is odd) → joint of the person → name."""
