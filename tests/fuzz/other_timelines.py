"""What editors write and we do not, to put into timelines of ours before they are damaged."""

XML = (
    """<spine><clip name="c" offset="0s" start="1s" duration="2s" format="r1"><timeMap>
    <timept time="0s" value="0s" interp="smooth2"/><timept time="2s" value="4s"/></timeMap>
    <conform-rate srcFrameRate="24"/><video ref="r2" offset="0s" duration="4s"/>
    <adjust-crop mode="trim"><trim-rect left="10" right="5"/></adjust-crop>
    <adjust-transform position="1 2" scale="2 2" rotation="10" anchor="1 1"><param name="scale">
    <keyframeAnimation><keyframe time="0s" value="1 1" interp="ease" curve="smooth"/>
    <keyframe time="1s" value="2 2"/></keyframeAnimation></param></adjust-transform>
    <filter-video ref="r3" name="Blur"/><adjust-blend amount="0.5"/></clip>
    <transition name="Cross Dissolve" offset="1s" duration="1s"><filter-video ref="r4"/>
    </transition>
    <title ref="r5" lane="1" offset="0s" duration="1s"/><gap offset="2s" duration="1s"/>
    <ref-clip ref="r6" name="compound" offset="3s" duration="1s" srcEnable="video"/>
    <sync-clip name="s" offset="4s" duration="1s"><asset-clip ref="r2" duration="1s"/></sync-clip>
    <mc-clip ref="r7" offset="5s" duration="1s"/><audition><asset-clip ref="r2" duration="1s"/>
    <asset-clip ref="r2" duration="2s" enabled="0"/></audition>
    <asset-clip ref="r2" duration="1s" lane="-1" offset="1001/30000s" audioRole="dialogue"/>
    </spine>""",
    """<track><clipitem id="c1"><name>c</name><enabled>FALSE</enabled><duration>100</duration>
    <rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate><start>-1</start><end>-1</end><in>0</in>
    <out>25</out><pproTicksIn>0</pproTicksIn><file id="f1"/><filter><effect><name>Time Remap</name>
    <effectid>timeremap</effectid><parameter><parameterid>speed</parameterid><value>200</value>
    </parameter></effect></filter><filter><effect><effectid>basic</effectid><parameter>
    <parameterid>scale</parameterid><value>50</value><keyframe><when>0</when><value>50</value>
    <interpolation><name>bezier</name></interpolation></keyframe></parameter><parameter>
    <parameterid>center</parameterid><value><horiz>.1</horiz><vert>-.1</vert></value></parameter>
    <parameter><parameterid>rotation</parameterid><value>5</value></parameter></effect></filter>
    <filter><effect><effectid>crop</effectid><parameter><parameterid>left</parameterid>
    <value>3</value></parameter></effect></filter></clipitem><transitionitem><start>20</start>
    <end>30</end><alignment>center</alignment><effect><effectid>Cross Dissolve</effectid></effect>
    </transitionitem><generatoritem id="g"><start>0</start><end>10</end></generatoritem>
    <clipitem><sequence id="s2"><name>nested</name><rate><timebase>25</timebase></rate></sequence>
    </clipitem><enabled>TRUE</enabled></track>""",
    """<mlt><profile width="1920" height="1080" frame_rate_num="30000" frame_rate_den="1001"/>
    <producer id="p9" in="00:00:01.000" out="99"><property name="resource">2.0:talk.mp4</property>
    <property name="mlt_service">timewarp</property><property name="warp_speed">2.0</property>
    </producer><playlist id="pl9"><blank length="10"/><entry producer="p9" in="5" out="30"/>
    </playlist>
    <tractor id="t9" in="0" out="30"><property name="kdenlive:uuid">{1}</property><track
    producer="pl9" hide="audio"/><transition in="0" out="10">
    <property name="mlt_service">luma</property>
    <property name="a_track">0</property><property name="b_track">1</property></transition>
    <filter in="0"><property name="mlt_service">affine</property><property
    name="transition.rect">0=0 0 1920 1080 1;~=5/5:50%x50%:100;10|=1 2 3 4</property><property
    name="shotcut:filter">affineSizePosition</property></filter><property
    name="kdenlive:mixcut">5</property></tractor></mlt>""",
)  # fmt: skip

JSON = (
    {"OTIO_SCHEMA": "Transition.1", "in_offset": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0,
     "value": 5.0}, "out_offset": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0, "value": 5.0},
     "transition_type": "SMPTE_Dissolve", "name": "", "metadata": {}},
    {"OTIO_SCHEMA": "Gap.1", "source_range": {"OTIO_SCHEMA": "TimeRange.1",
     "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0, "value": 0.0},
     "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0, "value": 12.0}}, "effects": [],
     "markers": [], "enabled": True, "metadata": {}, "name": ""},
    {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0, "effect_name": "x", "metadata": {}},
    {"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0.0, "metadata": {}},
    {"OTIO_SCHEMA": "Stack.1", "children": [], "source_range": None, "metadata": {}, "name": "s"},
    {"OTIO_SCHEMA": "Track.1", "children": [], "kind": "Video", "source_range": None},
    {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "file:///C:/talk.mp4",
     "available_range": None, "metadata": {}},
    {"OTIO_SCHEMA": "MissingReference.1"}, {"OTIO_SCHEMA": "GeneratorReference.1",
     "generator_kind": "SMPTEBars", "parameters": {}},
    {"OTIO_SCHEMA": "ImageSequenceReference.1", "target_url_base": "/a", "start_frame": 1},
    {"OTIO_SCHEMA": "SerializableCollection.1", "children": []},
    {"OTIO_SCHEMA": "RationalTime.1", "rate": 23.976, "value": 12.5},
    {"OTIO_SCHEMA": "Effect.1", "effect_name": "Resolve Effect", "metadata": {"Resolve_OTIO": {
     "Effect Name": "Cropping", "Enabled": True, "Type": 4, "Parameters": [
         {"Parameter ID": "cropLeft", "Parameter Value": 10.0, "Key Frames": {"5": {"Value": 1}},
          "Variant Type": "Double"}]}}},
    {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
    {"PremierePro_OTIO": {"MetadataVersion": "1.0", "SpeedDuration": {"Speed": 200}}},
)  # fmt: skip
