-- SpeakerZoom for DaVinci Resolve 18.5 and later, in every edition: Workspace > Scripts > SpeakerZoom.
-- mark: otio-speakerzoom/resolve-script (by which `speakerzoom install` knows its own file)
--
-- A run does one errand and ends; nothing stays in memory. A recipe of `speakerzoom send` waits: build
-- its timeline, verify it, answer. Else, if the current timeline is one of ours, export it for
-- `speakerzoom import`. Else hand over the selected clips, or the clip under the playhead.
-- The free edition from 21.1 on has no io, require, os.execute, print or windows, so a recipe is loaded
-- as Lua, and answers go into Fusion's preferences. Every function of the host is asked for before it
-- is called. Time is in whole frames.
local VERSION = "source"
local MAILBOX = "$HOME/.local/share/speakerzoom/resolve" -- `install` writes this line and the one above
local resolve = resolve or Resolve and Resolve() -- the second outside Resolve, where fuscript runs us
local RECIPE_FORMAT, SHOT_PREFIX = 1, "speakerzoom/1/" -- which begins the custom data of our markers
local CHUNK = 100 -- clips in one call: a batch with one fault is lost as a whole
local MAX_NAMES, MAX_CLIPS = 20, 50 -- of a timeline ("Talk", "Talk 2", ...), and to hand over
local MAX_CLOCK_ERROR_S = 60 -- of a recipe that seems to come from the future
local MAX_SETTING_ERROR = 0.01 -- 23.976 is not 24, and 23.98 means 23.976
local PROPERTIES = { -- name, key in the recipe, and what Resolve may round without anybody seeing it:
  { "Scaling", "scaling", 0.5 }, -- a ten-thousandth of the size, a twentieth of the timeline's pixel
  { "ZoomX", "zoom", 1e-4 }, { "ZoomY", "zoom", 1e-4 }, { "Pan", "pan", 0.05 }, { "Tilt", "tilt", 0.05 },
}

-- Whether an object of the host has a function of that name.
local function can(object, name)
  local ok, value = pcall(function() return object[name] end)
  return ok and (type(value) == "function" or type(value) == "userdata") -- a function of C++
end

-- Call a method of the host; nil if there is none, or if it fails.
local function ask(object, name, ...)
  if object == nil or not can(object, name) then return nil end
  local ok, value = pcall(object[name], object, ...)
  if ok then return value end
end

-- A list of the host without the holes that it may have; empty for nil. Its order may change.
local function list(value)
  local items = {}
  for _, item in pairs(type(value) == "table" and value or {}) do items[#items + 1] = item end
  return items
end

-- Whether a file exists; nil if this edition does not tell.
local function file_exists(path)
  if not can(bmd, "fileexists") then return nil end
  local ok, exists = pcall(bmd.fileexists, path) -- a function of a table, not a method
  return ok and exists or false
end

local function property(clip, name) return tostring(ask(clip, "GetClipProperty", name) or "") end
-- The folder that our program shares with us; $NAME is a variable of the environment.
local mailbox = MAILBOX:gsub("%$(%u+)", function(name) return ((os.getenv(name) or ""):gsub("\\", "/")) end)
local preferences = fusion or fu or ask(resolve, "Fusion")

-- Write a message, names and values, into the preferences; where the edition allows it, also elsewhere.
local function tell(key, file, kind, id, fields)
  if print then print("SpeakerZoom: " .. kind .. ": " .. tostring(fields[1][2])) end -- for the Console
  fields[#fields + 1] = { "script", VERSION }
  fields[#fields + 1] = { "product", ask(resolve, "GetProductName") or "" }
  fields[#fields + 1] = { "version", ask(resolve, "GetVersionString") or "" }
  local rows, seconds = {}, ("%d"):format(os.time())
  for number, field in ipairs(fields) do
    local value = tostring(field[2]):gsub(".", function(letter) return ("%02x"):format(letter:byte()) end)
    rows[number] = field[1] .. "=" .. value
  end
  local text = table.concat({ "SPEAKERZOOM1", kind, id, seconds, table.concat(rows, ","), "END" }, ":")
  ask(preferences, "SetPrefs", "Global.SpeakerZoom." .. key, text)
  ask(preferences, "SavePrefs")
  local stream = can(io, "open") and io.open(mailbox .. "/" .. file, "wb")
  if stream then stream:write(text) stream:close() end
end

local function answer(recipe, state, fields)
  fields[#fields + 1] = { "state", state }
  tell("Answer", "answer.txt", "answer", recipe.id, fields)
end
local function hand_over(kind, fields) tell("HandOver", "hand-over.txt", kind, "run", fields) end

-- Stop with a reason that the user reads.
local function fail(reason, ...) error({ reason = reason:format(...) }, 0) end
local function reason_of(problem)
  return type(problem) == "table" and problem.reason or "an error in the script: " .. tostring(problem)
end

-- The open project, with the Edit page on screen.
local function open_project()
  if not resolve then fail("Resolve does not run, or is not Studio with External scripting set to Local") end
  local manager = ask(resolve, "GetProjectManager")
  local project = ask(manager, "GetCurrentProject")
  local pool = ask(project, "GetMediaPool")
  if not pool then fail("no project is open in Resolve, or a dialog waits there for an answer") end
  ask(resolve, "OpenPage", "edit")
  if not ask(resolve, "GetCurrentPage") then fail("Resolve shows no page; open a project, close any dialog") end
  return { manager = manager, project = project, pool = pool, ours = {} }
end

-- The timelines of the project by their names, and whether the host listed all of them.
local function timelines(host)
  local result, count = {}, ask(host.project, "GetTimelineCount")
  local complete = type(count) == "number"
  for index = 1, complete and count or 0 do
    local timeline = ask(host.project, "GetTimelineByIndex", index)
    local name = ask(timeline, "GetName")
    if name then result[name] = timeline else complete = false end
  end
  return result, complete
end

-- Call `make` with names that no timeline has, until it returns one, which is then ours to delete.
local function with_free_name(host, name, make)
  for number = 1, MAX_NAMES do
    local candidate = number == 1 and name or name .. " " .. number
    if not host.before[candidate] and not timelines(host)[candidate] then
      host.ours[candidate] = true
      local timeline = make(candidate)
      if timeline then return timeline, candidate end
      local now, complete = timelines(host)
      if complete and not now[candidate] then host.ours[candidate] = nil end -- it was refused
    end
  end
  fail("Resolve makes no timeline named %s", name)
end

-- Delete the timelines of this run but for the finished one; return the names of those that stay.
local function delete_ours(host)
  local remains = {}
  for name in pairs(host.ours) do
    local timeline = name ~= host.outcome and not host.before[name] and timelines(host)[name]
    if timeline then ask(host.pool, "DeleteTimelines", { timeline }) end
    local now, complete = timelines(host)
    if name ~= host.outcome and (now[name] or not complete) then remains[#remains + 1] = name end
  end
  return remains
end

local function folders(host)
  local result = { ask(host.pool, "GetRootFolder") }
  for _, folder in ipairs(result) do -- which grows while we walk along it
    for _, inner in ipairs(list(ask(folder, "GetSubFolderList"))) do result[#result + 1] = inner end
  end
  return result
end

local function same_path(a, b)
  a, b = a:gsub("\\", "/"), b:gsub("\\", "/") -- Windows, which ignores case too
  return a == b or (a:match("^%a:/") ~= nil and a:lower() == b:lower())
end

-- A clip of the media pool that plays one of these files.
local function find_clip(host, paths)
  for _, folder in ipairs(folders(host)) do
    for _, clip in ipairs(list(ask(folder, "GetClipList"))) do
      for _, path in ipairs(paths) do
        if same_path(property(clip, "File Path"), path) then return clip end
      end
    end
  end
end

-- Whether a clip plays no file. Only a name in ASCII can be looked for on every system.
local function is_offline(clip)
  local path, status = property(clip, "File Path"), property(clip, "Online Status")
  if path == "" or status == "Offline" then return true end
  return status ~= "Online" and not path:find("[\128-\255]") and file_exists(path) == false
end

-- The clip of a recipe. An imported one is looked up again: what the import returns may not be placed.
local function media_of(host, recipe)
  local clip = find_clip(host, recipe.media)
  for _, path in ipairs(recipe.media) do
    if not clip then ask(host.pool, "ImportMedia", { path }) end
    clip = clip or find_clip(host, recipe.media)
  end
  if not clip then fail("Resolve cannot import %s; can it read the file?", recipe.media[1]) end
  if is_offline(clip) then fail("the clip is offline in Resolve; relink it") end
  local rate = tonumber(property(clip, "FPS"):match("[%d.]+") or "") or recipe.rate
  local differs = math.abs(rate - recipe.rate) > MAX_SETTING_ERROR
  if differs then fail("the clip has %s frames per second in Resolve; see its Clip Attributes", rate) end
  return clip
end

local function same_setting(actual, value)
  local number = tonumber(tostring(actual):match("^[%d.]+") or "")
  return number ~= nil and math.abs(number - value) <= MAX_SETTING_ERROR
end

-- Give a timeline the size and the rate of the recipe.
local function set_up(timeline, recipe)
  for _, row in ipairs(recipe.settings) do
    if not same_setting(ask(timeline, "GetSetting", row.key), row.value) then
      ask(timeline, "SetSetting", "useCustomSettings", "1") -- else it follows the project
      ask(timeline, "SetSetting", row.key, row.value)
    end
    local actual = tostring(ask(timeline, "GetSetting", row.key))
    if not same_setting(actual, row.value) then fail("%s is %s instead of %s; change it in Project Settings >"
      .. " Master Settings, in a new project if this one has media", row.key, actual, row.value) end
  end
end

-- A new, empty timeline of ours, current, with the tracks of the recipe.
local function create(host, recipe, clip)
  local timeline, name = with_free_name(host, recipe.name, function(candidate)
    return ask(host.pool, "CreateEmptyTimeline", candidate)
  end)
  ask(host.project, "SetCurrentTimeline", timeline) -- to which clips are appended: never the user's
  local current = ask(ask(host.project, "GetCurrentTimeline"), "GetName")
  if current ~= name then fail("Resolve does not switch to the new timeline") end
  set_up(timeline, recipe)
  ask(timeline, "SetStartTimecode", recipe.start)
  while (ask(timeline, "GetTrackCount", "video") or 0) < #recipe.tracks do
    if not ask(timeline, "AddTrack", "video") then fail("Resolve adds no video track") end
  end
  for track = 1, #recipe.tracks do ask(timeline, "SetTrackLock", "video", track, false) end
  ask(timeline, "SetTrackLock", "audio", 1, false)
  local first = ask(timeline, "GetStartFrame") or fail("Resolve does not tell where the timeline starts")
  return { host = host, recipe = recipe, timeline = timeline, name = name, first = first, clip = clip }
end

-- The clips on a track by their first frame, and how many there are with those the host cannot describe.
local function items_on(job, kind, track)
  local by_start, items = {}, list(ask(job.timeline, "GetItemListInTrack", kind, track))
  for _, item in ipairs(items) do by_start[ask(item, "GetStart") or "ghost"] = item end
  return by_start, #items
end

-- Call `use` with each shot of the recipe and its item, or nil where that is missing.
local function each(job, use)
  local tracks = {}
  for track = 1, #job.recipe.tracks do tracks[track] = items_on(job, "video", track) end
  for _, shot in ipairs(job.recipe.shots) do use(shot, tracks[shot.track][job.first + shot.record]) end
end

-- Append shots of the recipe to the timeline; `media_type` is 1 for video, 2 for audio, nil for both.
local function append(job, shots, media_type)
  local batch = {}
  for number, shot in ipairs(shots) do
    batch[number] = {
      mediaPoolItem = job.clip, mediaType = media_type, trackIndex = media_type == 2 and 1 or shot.track,
      startFrame = shot.source, endFrame = shot.source + shot.duration - (job.inclusive and 1 or 0),
      recordFrame = job.first + shot.record, -- absolute
    }
  end
  ask(job.host.pool, "AppendToTimeline", batch)
end

-- Append shots in batches, then one by one those that did not arrive.
local function place(job, shots, media_type)
  for begin = 1, #shots, CHUNK do
    append(job, { unpack(shots, begin, math.min(begin + CHUNK - 1, #shots)) }, media_type)
  end
  local tracks, kind = {}, media_type == 2 and "audio" or "video"
  for _, shot in ipairs(shots) do
    local track = media_type == 2 and 1 or shot.track
    tracks[track] = tracks[track] or items_on(job, kind, track)
    if not tracks[track][job.first + shot.record] then append(job, { shot }, media_type) end
  end
end

-- Place the first shot, which shows whether endFrame belongs to the clip: in 18 it does, later not.
local function probe(job, shot, media_type)
  append(job, { shot }, media_type)
  local item = items_on(job, "video", shot.track)[job.first + shot.record]
  local duration = item and ask(item, "GetDuration")
  if duration == shot.duration then return end
  if not job.inclusive and (not duration or duration == shot.duration + 1) then
    error({ inclusive = true, reason = "Resolve places nothing" }, 0)
  end
  fail("Resolve places %s frames instead of %d", tostring(duration), shot.duration)
end

-- What differs between an item and its shot; nil if nothing does. `check_framing` compares the framing too.
local function difference(item, shot, check_framing)
  if not item then return "it is missing" end
  if ask(item, "GetDuration") ~= shot.duration then return "its length" end
  if not check_framing then return nil end
  if can(item, "GetLeftOffset") and ask(item, "GetLeftOffset") ~= shot.source then return "its first frame" end
  if can(item, "GetClipEnabled") and ask(item, "GetClipEnabled") ~= shot.enabled then return "it is on or off" end
  for _, row in ipairs(PROPERTIES) do
    local value, actual = shot[row[2]], tonumber(ask(item, "GetProperty", row[1]))
    if value and not (actual and math.abs(actual - value) <= row[3]) then
      return ("%s is %s instead of %s"):format(row[1], tostring(actual), value)
    end
  end
end

-- Stop unless the timeline has exactly the clips of the recipe.
local function verify(job, check_framing)
  local counts, audible, audio = {}, 0, {}
  local check_audio = check_framing and job.recipe.audio ~= "none"
  local audio_tracks = check_audio and ask(job.timeline, "GetTrackCount", "audio") or 0
  for track = 1, audio_tracks do -- a clip with several streams may fill several
    for start, item in pairs((items_on(job, "audio", track))) do audio[start] = item end
  end
  each(job, function(shot, item)
    local fault = difference(item, shot, check_framing)
    local sound = audio[job.first + shot.record]
    if not fault and check_audio and shot.cut and (not sound or ask(sound, "GetDuration") ~= shot.duration) then
      fault = "its audio"
    end
    if fault then fail("the clip at frame %d of video track %d differs: %s", shot.record, shot.track, fault) end
    counts[shot.track] = (counts[shot.track] or 0) + 1
    audible = audible + (shot.cut and 1 or 0)
  end)
  for track, expected in ipairs(counts) do
    local _, count = items_on(job, "video", track)
    if count ~= expected then fail("video track %d has %d clips instead of %d", track, count, expected) end
  end
  for track = 1, audio_tracks do
    local _, count = items_on(job, "audio", track)
    if count ~= 0 and count ~= audible then fail("audio track %d has %d clips", track, count) end
  end
end

-- Names, colours, markers, stills, which change no picture: return how many of them Resolve refuses.
local function dress(job)
  local refusals, timeline = 0, job.timeline
  local function count(done) refusals = refusals + (done and 0 or 1) end
  for track, name in ipairs(job.recipe.tracks) do count(ask(timeline, "SetTrackName", "video", track, name)) end
  each(job, function(shot, item) count(ask(item, "SetClipColor", shot.colour)) end)
  for _, mark in ipairs(job.recipe.markers) do -- an imported timeline may have them, without our ids
    count(ask(timeline, "AddMarker", mark.frame, mark.colour, mark.name, mark.note, 1, mark.data)
      or ask(timeline, "UpdateMarkerCustomData", mark.frame, mark.data))
  end
  for _, still in ipairs(job.recipe.stills) do -- of the test chart
    ask(timeline, "SetCurrentTimecode", still.timecode)
    count(ask(job.host.project, "ExportCurrentFrameAsStill", still.path))
  end
  return refusals
end

local function build(host, recipe, clip, inclusive)
  local job, media_type = create(host, recipe, clip), recipe.audio ~= "linked" and 1 or nil
  job.inclusive = inclusive
  local rest, cut = {}, {}
  for number, shot in ipairs(recipe.shots) do
    rest[number - 1] = shot -- 0 is not in the list
    cut[#cut + 1] = shot.cut and shot or nil
  end
  probe(job, recipe.shots[1], media_type)
  place(job, rest, media_type)
  if recipe.audio == "separate" then place(job, cut, 2) end
  local audio = items_on(job, "audio", 1)
  each(job, function(shot, item)
    for _, row in ipairs(PROPERTIES) do ask(item, "SetProperty", row[1], shot[row[2]]) end
    if not shot.enabled then ask(item, "SetClipEnabled", false) end
    local sound = recipe.audio == "separate" and shot.cut and audio[job.first + shot.record]
    if item and sound then ask(job.timeline, "SetClipsLinked", { item, sound }, true) end
  end)
  verify(job, true)
  return job
end

-- Build the timeline from the clip in the media pool.
local function build_directly(host, recipe)
  if recipe.moving then fail("crops move or are halves of two-ups: scripts set no keyframes or seams") end
  local clip = media_of(host, recipe)
  local ok, result = pcall(build, host, recipe, clip, false)
  if not ok and type(result) == "table" and result.inclusive and #delete_ours(host) == 0 then
    return build(host, recipe, clip, true)
  end
  return ok and result or error(result, 0)
end

-- Import the timeline file of the recipe, with or without its clips.
local function import_once(host, recipe, with_clips)
  local timeline, name = with_free_name(host, recipe.name, function(candidate)
    local options = { timelineName = candidate, importSourceClips = with_clips }
    if not with_clips then options.sourceClipsFolders = folders(host) end
    return ask(host.pool, "ImportTimelineFromFile", recipe.otio, options)
  end)
  name = ask(timeline, "GetName") or name
  if host.before[name] then fail("Resolve returns the timeline %s, which was there before", name) end
  host.ours[name] = true
  set_up(timeline, recipe)
  local job = { host = host, recipe = recipe, timeline = timeline, name = name, clips = with_clips }
  job.first = ask(timeline, "GetStartFrame") or 0
  verify(job, false)
  each(job, function(_, item)
    if is_offline(ask(item, "GetMediaPoolItem")) then fail("the imported clips are offline") end
  end)
  return job
end

-- Import the timeline file in the way that works: 19 to 21.0 want its clips, 21.1 does not.
local function import_timeline(host, recipe)
  local ok, result = pcall(import_once, host, recipe, true)
  if ok then return result end
  delete_ours(host)
  local ok_without, result_without = pcall(import_once, host, recipe, false)
  if ok_without then return result_without end
  fail("%s; without its clips: %s", reason_of(result), reason_of(result_without))
end

-- Save the project, unless it has no name yet: then Resolve would hang in a dialog.
local function save(host)
  local name = ask(host.project, "GetName") or "Untitled Project"
  return not name:find("^Untitled Project") and ask(host.manager, "SaveProject") == true
end

-- Make a timeline in one way, dress it, save and recount it; return what to answer.
local function attempt(host, recipe, make, way)
  local job = make(host, recipe)
  local rows = { { "way", way }, { "name", job.name }, { "refusals", dress(job) } }
  host.saved = save(host)
  rows[4] = { "saved", tostring(host.saved) }
  verify(job, way == "direct") -- a faulty batch may vanish when the project is saved
  if way == "otio" then
    rows[5] = { "import_source_clips", tostring(job.clips) }
    local ok, problem = pcall(verify, job, true)
    if not ok then rows[6] = { "doubt", reason_of(problem) } end
  end
  ask(host.project, "SetCurrentTimeline", job.timeline)
  host.outcome = job.name
  return rows
end

-- Errand 1: build the timeline of a recipe.
local function build_recipe(recipe)
  if recipe.format ~= RECIPE_FORMAT then fail("the script is old; run `speakerzoom install resolve`") end
  answer(recipe, "building", {})
  local host, complete = open_project(), nil
  host.before, complete = timelines(host)
  if not complete then fail("Resolve does not list its timelines; close any dialog") end
  local current, remains = ask(host.project, "GetCurrentTimeline"), {}
  local ok, result = pcall(attempt, host, recipe, build_directly, "direct")
  if not ok then
    local reason = reason_of(result)
    remains = delete_ours(host)
    if #remains == 0 then ok, result = pcall(attempt, host, recipe, import_timeline, "otio") end
    result = ok and result or { { "reason", reason }, { "import", reason_of(result) } }
    if ok then result[#result + 1] = { "fallback", reason } end
    remains = delete_ours(host)
  end
  if not ok then
    ask(host.project, "SetCurrentTimeline", current)
    if host.saved then save(host) end -- without what was deleted since
  end
  for _, name in ipairs(remains) do result[#result + 1] = { "remains", name } end
  answer(recipe, ok and "done" or "refused", result)
end

-- The recipe that waits; nil if there is none for us now.
local function waiting_recipe()
  local path = mailbox .. "/recipe.lua"
  local chunk = file_exists(path) ~= false and type(loadfile) == "function" and loadfile(path)
  if not chunk then return nil end
  setfenv(chunk, {}) -- data only
  local ok, recipe = pcall(chunk)
  if not ok or type(recipe) ~= "table" or type(recipe.id) ~= "string" then return nil end
  local age = os.time() - (tonumber(recipe.created) or 0)
  if age > (tonumber(recipe.max_age) or 0) or age < -MAX_CLOCK_ERROR_S then return nil end
  -- an answered recipe may lie there still, if our program was killed: the sandbox cannot remove it
  local last = ask(preferences, "GetPrefs", "Global.SpeakerZoom.Answer")
  return not (type(last) == "string" and last:find(":" .. recipe.id .. ":", 1, true)) and recipe or nil
end

local function is_ours(timeline)
  for _, mark in ipairs(list(ask(timeline, "GetMarkers"))) do
    if tostring(mark.customData):find(SHOT_PREFIX, 1, true) == 1 then return true end
  end
end

-- Errand 2: export a timeline of ours as OTIO to the outbox.
local function export_timeline(timeline)
  local name = ask(timeline, "GetName") or "timeline"
  local file = ("%s/outbox/%s-%d.otio"):format(mailbox, name:gsub("[^%w-]", "_"):sub(1, 60), os.time())
  local ok, format, kind = pcall(function() return resolve.EXPORT_OTIO, resolve.EXPORT_NONE end)
  if not (ok and format and ask(timeline, "Export", file, format, kind)) or file_exists(file) == false then
    fail("Resolve did not export the timeline; export it by File > Export > Timeline, as OpenTimelineIO")
  end
  local item = list(ask(timeline, "GetItemListInTrack", "video", 1))[1]
  local media = property(ask(item, "GetMediaPoolItem"), "File Path")
  hand_over("timeline", { { "path", file }, { "media", media }, { "name", name } })
end

-- Errand 3: hand over the selected clips, or the clip under the playhead.
local function hand_over_clips(host)
  local rows, clips = {}, list(ask(host.pool, "GetSelectedClips"))
  if #clips == 0 then
    local item = ask(ask(host.project, "GetCurrentTimeline"), "GetCurrentVideoItem")
    clips = { ask(item, "GetMediaPoolItem") }
  end
  if #clips == 0 then fail("no clip is selected; select a recording in the media pool, or go to it") end
  for _, clip in ipairs(clips) do
    local path = property(clip, "File Path")
    if path ~= "" and #rows < MAX_CLIPS then rows[#rows + 1] = { "path", path } end
  end
  if #rows == 0 then fail("a compound, multicam or generated clip has no file; select the recording itself") end
  hand_over("clips", rows)
end

local recipe = waiting_recipe()
local ok, problem = pcall(function()
  if recipe then return build_recipe(recipe) end
  local host = open_project()
  local timeline = ask(host.project, "GetCurrentTimeline")
  if is_ours(timeline) then export_timeline(timeline) else hand_over_clips(host) end
end)
local reason = not ok and { { "reason", reason_of(problem) } }
if reason and recipe then answer(recipe, "refused", reason) elseif reason then hand_over("nothing", reason) end
